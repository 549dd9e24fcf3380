-- Read one replication slot and the owner that the ledger gives it.
-- Runs on:    source, in the database of the slot; read only.
-- Needs:      SELECT on pgcdc.slot_owner.                Undo: not needed
-- Reads:      pg_replication_slots, pgcdc.slot_owner
-- Source:     https://www.postgresql.org/docs/current/view-pg-replication-slots.html
SELECT
    slot.plugin::text AS plugin, slot.slot_type, slot.database::text AS database, slot.temporary, slot.active,
    slot.active_pid, slot.restart_lsn::text AS restart_lsn, slot.confirmed_flush_lsn::text AS confirmed_flush_lsn,
    owner.owner_kind, owner.owner_id
FROM pg_catalog.pg_replication_slots AS slot
LEFT JOIN pgcdc.slot_owner AS owner ON owner.slot_name = slot.slot_name
WHERE slot.slot_name = %(name)s;
