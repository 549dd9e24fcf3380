-- List how far the sessions are that copy now.
-- Runs on:    target, PostgreSQL 14 or later; changes nothing.
-- Needs:      pg_monitor, to see another role's sessions.
-- Reads:      pg_stat_progress_copy
-- Source:     https://www.postgresql.org/docs/current/progress-reporting.html
SELECT pid, tuples_processed AS rows, bytes_processed AS bytes
FROM pg_stat_progress_copy
WHERE pid = ANY (%(pids)s);
