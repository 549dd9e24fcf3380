-- Make the schema of the DDL audit, owned by the DMS role: DMS makes its heartbeat table there too.
-- Runs on:    source, in the database of the migration; safe to re-run.
-- Needs:      CREATE on the database, membership in the role.        Undo: drop_artifacts_schema.sql
-- Creates:    the schema of dms_role.artifacts_schema; its comment says which migration made it
-- Source:     https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Source.PostgreSQL.html
CREATE SCHEMA IF NOT EXISTS {schema} AUTHORIZATION {role};
COMMENT ON SCHEMA {schema} IS {mark};
