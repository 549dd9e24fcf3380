-- Make the watches of one server those of rows, a JSON list: a slot that is not in it is watched no longer.
-- Runs on:    source, in the database postgres; safe to re-run, and writes nothing where nothing differs.
-- Needs:      INSERT, UPDATE and DELETE on pgcdc.slot_watch.              Undo: drop_slot_watch.sql
-- Reads:      pgcdc.slot_watch; one row comes back for each that was written or removed
-- Source:     https://www.postgresql.org/docs/current/queries-with.html
WITH wanted AS (
    SELECT
        one.slot_name, one.owner_id, to_timestamp(one.gone_since) AS gone_since, one.severity,
        to_timestamp(one.severity_since) AS severity_since
    FROM jsonb_to_recordset(%(rows)s::jsonb) AS one (
        slot_name text, owner_id text, gone_since float8, severity text, severity_since float8
    )
), removed AS (
    DELETE FROM pgcdc.slot_watch AS old
    WHERE NOT EXISTS (SELECT FROM wanted WHERE wanted.slot_name = old.slot_name)
      AND coalesce(substring(old.slot_name FROM '^.*/'), '') = %(prefix)s::text
    RETURNING old.slot_name
), written AS (
    INSERT INTO pgcdc.slot_watch AS old (slot_name, owner_id, gone_since, severity, severity_since)
    SELECT slot_name, owner_id, gone_since, severity, severity_since FROM wanted
    ON CONFLICT (slot_name) DO UPDATE
    SET owner_id = excluded.owner_id, gone_since = excluded.gone_since, severity = excluded.severity,
        severity_since = excluded.severity_since
    WHERE (old.owner_id, old.gone_since, old.severity, old.severity_since)
        IS DISTINCT FROM (excluded.owner_id, excluded.gone_since, excluded.severity, excluded.severity_since)
    RETURNING old.slot_name
)
SELECT slot_name FROM removed UNION ALL SELECT slot_name FROM written;
