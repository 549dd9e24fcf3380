-- Remove the schema with everything we remember. Last of all: teardown reads from it.
-- Runs on:    source, in the database of the migration and in postgres; safe to re-run.
-- Needs:      ownership of the schema and its tables.    Undo: create_control_schema.sql
-- Drops:      schema pgcdc and our tables in it. Without CASCADE: what somebody else keeps there stops it
-- Source:     https://www.postgresql.org/docs/current/sql-dropschema.html
DROP TABLE IF EXISTS
    pgcdc.marker, pgcdc.slot_owner, pgcdc.parameter_before, pgcdc.reboot,
    pgcdc.lease, pgcdc.slot_watch, pgcdc.slot_observation;
DROP SCHEMA IF EXISTS pgcdc;
