-- Record that a reboot was proved.
-- Runs on:    source, the writer; safe to re-run.
-- Needs:      SELECT and UPDATE on pgcdc.reboot.
-- Reads:      writes one row of pgcdc.reboot
-- Source:     https://www.postgresql.org/docs/current/sql-update.html
UPDATE pgcdc.reboot
SET ended_at = %(ended_at)s
WHERE migration = %(migration)s AND instance = %(instance)s AND requested_at = %(requested_at)s AND ended_at IS NULL;
