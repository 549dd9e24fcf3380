-- Make the books of native replication on the target: whose tables these are, and which of them are loaded.
-- Runs on:    target, once per database; safe to re-run.
-- Needs:      CREATE on the database.                    Undo: drop_target_books.sql
-- Creates:    schema pgcdc_native, tables pgcdc_native.copied_schema, pgcdc_native.loaded_table,
--             pgcdc_native.pglogical_made
-- Source:     https://www.postgresql.org/docs/current/sql-createtable.html
-- Why:        a row here is written in the transaction that fills the table: after any crash the two agree, and a table
--             that is there already at the snapshot's consistent_point is not loaded again.
CREATE SCHEMA IF NOT EXISTS pgcdc_native;
CREATE TABLE IF NOT EXISTS pgcdc_native.copied_schema (
    migration    text NOT NULL,
    schema_name  text NOT NULL,
    table_name   text NOT NULL,
    copied_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (migration, schema_name, table_name)
);
CREATE TABLE IF NOT EXISTS pgcdc_native.loaded_table (
    migration         text NOT NULL,
    schema_name       text NOT NULL,
    table_name        text NOT NULL,
    consistent_point  pg_lsn NOT NULL,
    rows              bigint NOT NULL,
    bytes             bigint NOT NULL,
    seconds           double precision NOT NULL,
    loaded_at         timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (migration, schema_name, table_name)
);
CREATE TABLE IF NOT EXISTS pgcdc_native.pglogical_made (
    migration  text NOT NULL,
    kind       text NOT NULL,
    name       text NOT NULL,
    PRIMARY KEY (migration, kind, name)
);
