-- Drop the books of native replication on the source. Slots, publications and identities stay as they are.
-- Runs on:    source; safe to re-run.
-- Needs:      ownership of the schema.                   Undo: create_source_books.sql
-- Drops:      schema pgcdc_native and its tables. Without CASCADE: what somebody else keeps there stops it
-- Source:     https://www.postgresql.org/docs/current/sql-dropschema.html
DROP TABLE IF EXISTS pgcdc_native.snapshot, pgcdc_native.identity_before, pgcdc_native.pglogical_made;
DROP SCHEMA IF EXISTS pgcdc_native;
