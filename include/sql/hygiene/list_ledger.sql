-- List the ledger of replication slots, with when each owner was recorded.
-- Runs on:    source, each database that has the ledger; read only.
-- Needs:      SELECT on pgcdc.slot_owner.                Undo: not needed
-- Reads:      pgcdc.slot_owner
-- Source:     https://www.postgresql.org/docs/current/functions-datetime.html
SELECT slot_name, owner_kind, owner_id, migration, how, extract(epoch FROM recorded_at)::float8 AS recorded_at
FROM pgcdc.slot_owner
ORDER BY slot_name;
