-- Make the table of how each slot stood at each run of slot hygiene.
-- Runs on:    source, in the database postgres, after source/create_control_schema.sql; safe to re-run.
-- Needs:      CREATE on schema pgcdc.                    Undo: drop_slot_observation.sql
-- Creates:    table pgcdc.slot_observation
-- Source:     https://www.postgresql.org/docs/current/sql-createtable.html
-- Why:        before PostgreSQL 17 the server does not say since when a slot is idle; and the rate at which WAL grows is
--             the difference between two looks.
CREATE TABLE IF NOT EXISTS pgcdc.slot_observation (
    slot_name            text NOT NULL,
    observed_at          timestamptz NOT NULL,
    active               boolean NOT NULL,
    wal_lsn              pg_lsn NOT NULL,
    restart_lsn          pg_lsn,
    confirmed_flush_lsn  pg_lsn,
    retained_bytes       bigint,
    PRIMARY KEY (slot_name, observed_at)
);
GRANT SELECT, INSERT, UPDATE, DELETE ON pgcdc.slot_observation TO rds_superuser;
