-- Make the books of native replication on the source: who holds which snapshot, and which identity tables had.
-- Runs on:    source, once per database; safe to re-run.
-- Needs:      CREATE on the database.                    Undo: drop_source_books.sql
-- Creates:    schema pgcdc_native, tables pgcdc_native.snapshot, pgcdc_native.identity_before,
--             pgcdc_native.pglogical_made
-- Source:     https://www.postgresql.org/docs/current/sql-createtable.html
-- Why:        a snapshot lives as long as the session that holds it: keeper_pid and keeper_started name that session,
--             so that any other can tell whether it is still there. loads counts how often the load began anew.
CREATE SCHEMA IF NOT EXISTS pgcdc_native;
CREATE TABLE IF NOT EXISTS pgcdc_native.snapshot (
    migration         text PRIMARY KEY,
    slot_name         text NOT NULL,
    consistent_point  pg_lsn NOT NULL,
    snapshot_name     text NOT NULL,
    keeper_pid        integer NOT NULL,
    keeper_started    timestamptz NOT NULL,
    loads             integer NOT NULL DEFAULT 1,
    made_at           timestamptz NOT NULL DEFAULT clock_timestamp(),
    loaded_at         timestamptz
);
CREATE TABLE IF NOT EXISTS pgcdc_native.identity_before (
    migration    text NOT NULL,
    schema_name  text NOT NULL,
    table_name   text NOT NULL,
    identity     text NOT NULL,
    PRIMARY KEY (migration, schema_name, table_name)
);
CREATE TABLE IF NOT EXISTS pgcdc_native.pglogical_made (
    migration  text NOT NULL,
    kind       text NOT NULL,
    name       text NOT NULL,
    PRIMARY KEY (migration, kind, name)
);
