-- Drop a replication slot of ours, if it is at this instant still what was looked at: one statement, so that a slot that
-- somebody else has made under its name in between stays.
-- Runs on:    source, in the slot's own database, when its task is stopped or deleted; safe to re-run.
-- Needs:      rds_replication or REPLICATION; SELECT on pgcdc.slot_owner.        Undo: not possible
-- Drops:      a replication slot. No row comes back when it was not dropped
-- Source:     https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/AuroraPostgreSQL.Replication.Logical.Configure.html
-- Why:        OFFSET 0 keeps the function behind the conditions, whatever the planner thinks of its cost.
SELECT found.slot_name::text, pg_drop_replication_slot(found.slot_name)
FROM (
    SELECT slot.slot_name
    FROM pg_replication_slots AS slot JOIN pgcdc.slot_owner AS ledger ON ledger.slot_name = slot.slot_name::text
    WHERE slot.slot_name = %(name)s AND slot.slot_type = 'logical' AND NOT slot.active AND NOT slot.temporary
      AND slot.database = current_database()
      AND slot.plugin::text IS NOT DISTINCT FROM %(plugin)s
      AND slot.confirmed_flush_lsn IS NOT DISTINCT FROM %(confirmed_flush_lsn)s::pg_lsn
      AND ledger.owner_kind IN ('dms-task', 'native-subscription', 'pglogical-subscription')
      AND ledger.migration = %(migration)s
    OFFSET 0
) AS found;
