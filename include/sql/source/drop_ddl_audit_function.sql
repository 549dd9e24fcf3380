-- Remove the function of the DDL audit. Without CASCADE: an event trigger that calls it stops it.
-- Runs on:    source, in the database of the migration, after drop_ddl_audit_trigger.sql; safe to re-run.
-- Needs:      ownership of the function.                 Undo: create_ddl_audit_function.sql
-- Drops:      function awsdms_intercept_ddl()
-- Source:     https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Source.PostgreSQL.html
DROP FUNCTION IF EXISTS {schema}.awsdms_intercept_ddl();
