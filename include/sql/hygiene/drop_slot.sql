-- Drop a replication slot, if at this instant it is still the one that was judged: one statement, one snapshot of it.
-- Runs on:    source, in the database of the slot; a second run finds nothing and does nothing.
-- Needs:      rds_replication, and SELECT on pgcdc.slot_owner.     Undo: none, a slot's position cannot be had back
-- Drops:      the slot; one row comes back if it did. Read: pg_replication_slots, pgcdc.slot_owner
-- Source:     https://www.postgresql.org/docs/current/functions-admin.html#FUNCTIONS-REPLICATION
-- Why:        somebody may have dropped it and made another one of the same name since it was judged. A new slot starts
--             at a later WAL position than the old one had, always: so the positions tell them apart, and the name does
--             not. One that is read at this instant is refused by PostgreSQL itself (55006). to_jsonb gives what 17
--             knows of a slot, and null before. Between the look and the drop of this one statement there are
--             microseconds; making a slot takes longer.
SELECT slot.slot_name::text AS name, pg_catalog.pg_drop_replication_slot(slot.slot_name)
FROM pg_catalog.pg_replication_slots AS slot
JOIN pgcdc.slot_owner AS owner ON owner.slot_name = slot.slot_name
WHERE slot.slot_name = %(name)s
  AND slot.slot_type = 'logical'
  AND slot.database = pg_catalog.current_database()
  AND slot.plugin = %(plugin)s
  AND NOT slot.temporary
  AND NOT slot.active
  AND NOT coalesce((to_jsonb(slot) ->> 'failover')::boolean, false)
  AND NOT coalesce((to_jsonb(slot) ->> 'synced')::boolean, false)
  AND slot.restart_lsn IS NOT DISTINCT FROM %(restart_lsn)s::pg_lsn
  AND slot.confirmed_flush_lsn IS NOT DISTINCT FROM %(confirmed_flush_lsn)s::pg_lsn
  AND owner.owner_kind = %(owner_kind)s
  AND owner.owner_id = %(owner_id)s;
