-- Take from PUBLIC what the guide tells to grant on the audit table: whoever may write there writes DDL for the target.
-- Runs on:    source, in the database of the migration, as the DMS role; safe to re-run.
-- Needs:      ownership of the table.                    Undo: not wanted; the function's owner needs no grant
-- Reads:      nothing; changes the rights on table and sequence
-- Source:     https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Source.PostgreSQL.html
REVOKE ALL ON TABLE {schema}.awsdms_ddl_audit FROM PUBLIC;
REVOKE ALL ON SEQUENCE {schema}.awsdms_ddl_audit_c_key_seq FROM PUBLIC;
