-- List what a new slot would wait for: prepared transactions, and those open for over a minute.
-- Runs on:    source, any database; read only.
-- Needs:      pg_read_all_stats to see others' sessions.  Undo: not needed
-- Reads:      pg_prepared_xacts, pg_stat_activity
-- Source:     https://www.postgresql.org/docs/current/logicaldecoding-explanation.html
-- Why:        of all databases: a slot waits for every running transaction of the cluster.
SELECT 'prepared' AS kind, gid AS identity, extract(epoch FROM clock_timestamp() - prepared)::bigint AS seconds
FROM pg_prepared_xacts
UNION ALL
SELECT 'long', format('%s (%s, pid %s)', coalesce(usename, 'unknown'), coalesce(datname, 'no database'), pid),
    extract(epoch FROM clock_timestamp() - xact_start)::bigint
FROM pg_stat_activity
WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() AND xact_start < clock_timestamp() - INTERVAL '60 s'
ORDER BY 1, 3 DESC;
