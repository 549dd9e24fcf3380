-- Record a reboot just before it is asked for.
-- Runs on:    source, the writer; safe to re-run.
-- Needs:      INSERT on pgcdc.reboot.
-- Reads:      nothing; writes one row of pgcdc.reboot
-- Source:     https://www.postgresql.org/docs/current/sql-insert.html
INSERT INTO pgcdc.reboot (migration, instance, reason, postmaster_before, requested_at)
VALUES (%(migration)s, %(instance)s, %(reason)s, %(postmaster_before)s, %(requested_at)s)
ON CONFLICT DO NOTHING;
