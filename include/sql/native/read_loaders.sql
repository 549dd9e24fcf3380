-- Tell how many sessions copy for a migration now.
-- Runs on:    source; changes nothing.
-- Needs:      pg_monitor, to see another role's sessions.
-- Reads:      pg_stat_activity
-- Source:     https://www.postgresql.org/docs/current/monitoring-stats.html
SELECT count(*)::integer AS sessions FROM pg_stat_activity WHERE application_name = %(application_name)s;
