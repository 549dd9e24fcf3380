-- Note in the ledger every logical slot of this database that is there before a task starts, as nobody's we know of.
-- Runs on:    source, just before a task starts; safe to re-run.
-- Needs:      INSERT on pgcdc.slot_owner.
-- Reads:      pg_replication_slots; writes rows of pgcdc.slot_owner
-- Source:     https://www.postgresql.org/docs/current/view-pg-replication-slots.html
-- Why:        DMS does not tell the name of the slot it makes: what was there before it started is not it.
INSERT INTO pgcdc.slot_owner (slot_name, owner_kind, owner_id, migration, plugin, how, recorded_at)
SELECT slot_name, 'unknown', '', %(migration)s, plugin, 'there before the task started', clock_timestamp()
FROM pg_catalog.pg_replication_slots
WHERE slot_type = 'logical' AND NOT temporary AND database = current_database()
ON CONFLICT (slot_name) DO NOTHING;
