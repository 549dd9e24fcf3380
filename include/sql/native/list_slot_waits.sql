-- List the transactions that a new slot waits for: those that were open before it.
-- Runs on:    source; changes nothing.
-- Needs:      pg_monitor, to see other roles' sessions.
-- Reads:      pg_locks, pg_stat_activity, pg_prepared_xacts
-- Source:     https://www.postgresql.org/docs/current/logicaldecoding-explanation.html
-- Why:        making a slot ends only when every transaction that could still write what it must decode has ended.
SELECT act.pid, act.usename::text AS role, act.application_name AS application,
    extract(epoch FROM clock_timestamp() - act.xact_start)::integer AS seconds
FROM pg_locks AS held JOIN pg_stat_activity AS act ON act.pid = held.pid
WHERE held.locktype = 'transactionid' AND held.mode = 'ExclusiveLock' AND held.granted
  AND act.application_name <> %(application_name)s
UNION ALL
SELECT NULL, owner::text, 'prepared transaction ' || gid,
    extract(epoch FROM clock_timestamp() - prepared)::integer
FROM pg_prepared_xacts
ORDER BY 4 DESC;
