-- Tell which tables are being copied into this database now, and how far.
-- Runs on:    target, PostgreSQL 14 or later; read only.
-- Needs:      pg_read_all_stats, to see another role's.       Undo: not needed
-- Reads:      pg_stat_progress_copy
-- Source:     https://www.postgresql.org/docs/current/progress-reporting.html
SELECT relid::regclass::text AS table, tuples_processed AS rows, bytes_processed AS bytes
FROM pg_stat_progress_copy
WHERE datname = current_database() AND command = 'COPY FROM';
