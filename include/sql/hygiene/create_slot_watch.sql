-- Make the table of what earlier runs of slot hygiene decided about each slot.
-- Runs on:    source, in the database postgres, after source/create_control_schema.sql; safe to re-run.
-- Needs:      CREATE on schema pgcdc.                    Undo: drop_slot_watch.sql
-- Creates:    table pgcdc.slot_watch
-- Source:     https://www.postgresql.org/docs/current/sql-createtable.html
-- Why:        a slot is dropped only when an earlier run has seen its owner gone, and an alarm is told once for each
--             severity: both must outlive a run. A read replica takes no writes, so its slots are in the books of its
--             primary, as replica/slot: no slot's name has a slash.
CREATE TABLE IF NOT EXISTS pgcdc.slot_watch (
    slot_name       text PRIMARY KEY,
    owner_id        text NOT NULL,
    gone_since      timestamptz,
    severity        text NOT NULL,
    severity_since  timestamptz
);
GRANT SELECT, INSERT, UPDATE, DELETE ON pgcdc.slot_watch TO rds_superuser;
