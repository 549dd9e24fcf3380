-- List the reboots that a migration asked for, in order.
-- Runs on:    source; changes nothing.
-- Needs:      SELECT on pgcdc.reboot.
-- Reads:      pgcdc.reboot
-- Source:     https://www.postgresql.org/docs/current/sql-select.html
SELECT instance, reason, postmaster_before, requested_at, ended_at
FROM pgcdc.reboot
WHERE migration = %(migration)s
ORDER BY requested_at;
