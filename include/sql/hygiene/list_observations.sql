-- List how the slots of one server stood between two moments; of one whose owner was seen gone, from before that on.
-- Runs on:    source, in the database postgres; read only.
-- Needs:      SELECT on pgcdc.slot_observation and pgcdc.slot_watch.      Undo: not needed
-- Reads:      pgcdc.slot_observation, pgcdc.slot_watch
-- Source:     https://www.postgresql.org/docs/current/functions-datetime.html
SELECT
    substr(seen.slot_name, length(%(prefix)s::text) + 1) AS slot_name,
    extract(epoch FROM seen.observed_at)::float8 AS at,
    seen.active,
    pg_wal_lsn_diff(seen.wal_lsn, '0/0')::bigint AS wal_lsn,
    pg_wal_lsn_diff(seen.restart_lsn, '0/0')::bigint AS restart_lsn,
    pg_wal_lsn_diff(seen.confirmed_flush_lsn, '0/0')::bigint AS confirmed_flush_lsn,
    seen.retained_bytes
FROM pgcdc.slot_observation AS seen
LEFT JOIN pgcdc.slot_watch AS watch ON watch.slot_name = seen.slot_name
WHERE seen.observed_at <= to_timestamp(%(until)s)
  AND seen.observed_at >= least(to_timestamp(%(since)s), watch.gone_since - interval '1 hour')
  AND coalesce(substring(seen.slot_name FROM '^.*/'), '') = %(prefix)s::text
ORDER BY seen.slot_name, seen.observed_at;
