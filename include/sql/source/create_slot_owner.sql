-- Make the ledger of replication slots: who made which, and how that is known.
-- Runs on:    source, once per database; safe to re-run.
-- Needs:      schema pgcdc (create_control_schema.sql) and CREATE on it.        Undo: drop_slot_owner.sql
-- Creates:    table pgcdc.slot_owner
-- Source:     https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Source.PostgreSQL.html
-- Why:        a slot's name tells nothing of its owner, and a slot without one fills the disk. owner_kind is dms-task
--             (owner_id: the task's ARN) or unknown (it was there before a task of ours started).
CREATE TABLE IF NOT EXISTS pgcdc.slot_owner (
    slot_name    text PRIMARY KEY,
    owner_kind   text NOT NULL,
    owner_id     text NOT NULL,
    migration    text NOT NULL,
    plugin       text,
    how          text NOT NULL,
    recorded_at  timestamptz NOT NULL DEFAULT clock_timestamp()
);
