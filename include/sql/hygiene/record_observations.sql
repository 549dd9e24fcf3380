-- Record how the slots stand now, one row for each; rows is a JSON list.
-- Runs on:    source, in the database postgres; safe to re-run with the same moment.
-- Needs:      INSERT on pgcdc.slot_observation.          Undo: drop_old_observations.sql
-- Reads:      nothing; writes rows of pgcdc.slot_observation
-- Source:     https://www.postgresql.org/docs/current/functions-json.html
INSERT INTO pgcdc.slot_observation AS seen
    (slot_name, observed_at, active, wal_lsn, restart_lsn, confirmed_flush_lsn, retained_bytes)
SELECT
    one.slot_name, to_timestamp(%(at)s), one.active, %(wal_lsn)s::pg_lsn, one.restart_lsn, one.confirmed_flush_lsn,
    one.retained_bytes
FROM jsonb_to_recordset(%(rows)s::jsonb) AS one (
    slot_name text, active boolean, restart_lsn pg_lsn, confirmed_flush_lsn pg_lsn, retained_bytes bigint
)
ON CONFLICT (slot_name, observed_at) DO NOTHING;
