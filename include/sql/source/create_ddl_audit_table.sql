-- Make the table through which DDL travels to DMS in the WAL. It always looks empty.
-- Runs on:    source, in the database of the migration, as the DMS role.
-- Needs:      CREATE on the schema.                      Undo: drop_ddl_audit.sql
-- Creates:    table awsdms_ddl_audit and its sequence
-- Source:     https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Source.PostgreSQL.html
-- Why:        names, types and order are those DMS reads. Nobody else gets rights on it, against the guide's advice:
--             whoever may write here writes DDL for the target.
CREATE TABLE {schema}.awsdms_ddl_audit (
    c_key     bigserial PRIMARY KEY,
    c_time    timestamp,
    c_user    varchar(64),
    c_txn     varchar(16),
    c_tag     varchar(24),
    c_oid     integer,
    c_name    varchar(64),
    c_schema  varchar(64),
    c_ddlqry  text
);
