-- Remove the event trigger of the DDL audit, before its function: without that it would break every DDL command.
-- Runs on:    source, in the database of the migration; safe to re-run.
-- Needs:      rds_superuser.                             Undo: create_ddl_audit_trigger.sql
-- Drops:      event trigger awsdms_intercept_ddl
-- Source:     https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Source.PostgreSQL.html
DROP EVENT TRIGGER IF EXISTS awsdms_intercept_ddl;
