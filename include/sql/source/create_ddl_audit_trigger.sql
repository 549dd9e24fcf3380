-- Have every DDL command that DMS replays call the audit function.
-- Runs on:    source, in the database of the migration.
-- Needs:      rds_superuser.                             Undo: drop_ddl_audit.sql
-- Creates:    event trigger awsdms_intercept_ddl
-- Source:     https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Source.PostgreSQL.html
CREATE EVENT TRIGGER awsdms_intercept_ddl ON ddl_command_end
    WHEN TAG IN ('CREATE TABLE', 'ALTER TABLE', 'DROP TABLE', 'CREATE TABLE AS')
    EXECUTE FUNCTION {schema}.awsdms_intercept_ddl();
