-- Remove the schema of the DDL audit. Without CASCADE: what somebody else keeps there stops it.
-- Runs on:    source, in the database of the migration, after drop_ddl_audit.sql; safe to re-run.
-- Needs:      ownership of the schema.                   Undo: create_artifacts_schema.sql
-- Drops:      awsdms_heartbeat and the schema of dms_role.artifacts_schema
-- Source:     https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Source.PostgreSQL.html
DROP TABLE IF EXISTS {schema}.awsdms_heartbeat;
DROP SCHEMA IF EXISTS {schema};
