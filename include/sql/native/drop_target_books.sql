-- Drop the books of native replication on the target. The loaded tables stay.
-- Runs on:    target; safe to re-run.
-- Needs:      ownership of the schema.                   Undo: create_target_books.sql
-- Drops:      schema pgcdc_native and its tables. Without CASCADE: what somebody else keeps there stops it
-- Source:     https://www.postgresql.org/docs/current/sql-dropschema.html
DROP TABLE IF EXISTS pgcdc_native.copied_schema, pgcdc_native.loaded_table, pgcdc_native.pglogical_made;
DROP SCHEMA IF EXISTS pgcdc_native;
