-- Remove the copy of the marker table and its schema. Without CASCADE: what somebody else keeps there stops it.
-- Runs on:    target, in the database of the migration, when no other migration has a marker there; safe to re-run.
-- Needs:      ownership of both.                         Undo: not needed, DMS makes them
-- Drops:      table pgcdc.marker and schema pgcdc
-- Source:     https://www.postgresql.org/docs/current/sql-dropschema.html
DROP TABLE IF EXISTS pgcdc.marker;
DROP SCHEMA IF EXISTS pgcdc;
