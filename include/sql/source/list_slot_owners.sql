-- List the ledger of replication slots.
-- Runs on:    source; changes nothing.
-- Needs:      SELECT on pgcdc.slot_owner.
-- Reads:      pgcdc.slot_owner
-- Source:     https://www.postgresql.org/docs/current/sql-select.html
SELECT slot_name, owner_kind, owner_id, migration, coalesce(plugin, '') AS plugin, how
FROM pgcdc.slot_owner
ORDER BY slot_name;
