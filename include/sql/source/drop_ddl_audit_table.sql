-- Remove the table of the DDL audit.
-- Runs on:    source, in the database of the migration, after drop_ddl_audit_function.sql; safe to re-run.
-- Needs:      ownership of the table.                    Undo: create_ddl_audit_table.sql
-- Drops:      table awsdms_ddl_audit and its sequence
-- Source:     https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Source.PostgreSQL.html
DROP TABLE IF EXISTS {schema}.awsdms_ddl_audit;
