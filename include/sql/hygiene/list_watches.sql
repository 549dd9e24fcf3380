-- List what earlier runs decided about each slot of one server.
-- Runs on:    source, in the database postgres; read only.
-- Needs:      SELECT on pgcdc.slot_watch.                Undo: not needed
-- Reads:      pgcdc.slot_watch
-- Source:     https://www.postgresql.org/docs/current/functions-datetime.html
SELECT
    substr(slot_name, length(%(prefix)s::text) + 1) AS slot_name, owner_id,
    extract(epoch FROM gone_since)::float8 AS gone_since, severity,
    extract(epoch FROM severity_since)::float8 AS severity_since
FROM pgcdc.slot_watch
WHERE coalesce(substring(slot_name FROM '^.*/'), '') = %(prefix)s::text
ORDER BY slot_name;
