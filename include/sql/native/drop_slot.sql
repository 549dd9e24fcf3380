-- Drop a slot that nobody reads.
-- Runs on:    source, in the slot's database; safe to re-run.
-- Needs:      rds_replication.                           Undo: not possible
-- Drops:      one logical replication slot; an active one raises 55006
-- Source:     https://www.postgresql.org/docs/current/functions-admin.html
SELECT pg_drop_replication_slot(slot_name)
FROM pg_replication_slots
WHERE slot_name = %(slot_name)s;
