-- Make the table of reboots that migrations asked for.
-- Runs on:    source, in the database of the migration; safe to re-run.
-- Needs:      schema pgcdc (create_control_schema.sql) and CREATE on it.        Undo: drop_reboot.sql
-- Creates:    table pgcdc.reboot
-- Source:     https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_RebootInstance.html
-- Why:        a describe may say "available" before a reboot has begun. postmaster_before is the start time of the server
--             before the request: when it has moved, the reboot is proved. Empty for a reader.
CREATE TABLE IF NOT EXISTS pgcdc.reboot (
    migration          text NOT NULL,
    instance           text NOT NULL,
    reason             text NOT NULL,
    postmaster_before  text NOT NULL,
    requested_at       timestamptz NOT NULL,
    ended_at           timestamptz,
    PRIMARY KEY (migration, instance, requested_at)
);
