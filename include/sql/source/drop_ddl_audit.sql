-- Remove the DDL audit, the event trigger first: without its function it would break every DDL command.
-- Runs on:    source, in the database of the migration; safe to re-run. Also before a major version upgrade.
-- Needs:      rds_superuser.                             Undo: create_ddl_audit_table.sql, _function, _trigger
-- Drops:      event trigger and function awsdms_intercept_ddl, table awsdms_ddl_audit
-- Source:     https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Source.PostgreSQL.html
DROP EVENT TRIGGER IF EXISTS awsdms_intercept_ddl;
DROP FUNCTION IF EXISTS {schema}.awsdms_intercept_ddl();
DROP TABLE IF EXISTS {schema}.awsdms_ddl_audit;
