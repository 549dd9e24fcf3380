-- Make the function that logs DDL for DMS. It runs inside every application's DDL, with the DMS role's rights.
-- Runs on:    source, in the database of the migration, as the DMS role; safe to re-run.
-- Needs:      create_ddl_audit_table.sql.                Undo: drop_ddl_audit.sql
-- Creates:    function awsdms_intercept_ddl(), which PUBLIC may not call
-- Source:     https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Source.PostgreSQL.html
-- Why:        the schema logged is the caller's, so search_path stays the caller's too, and may be hostile: everything is
--             qualified, operators and types included, and no simple CASE is used, since it looks for an operator "=".
--             current_schema and session_user are keywords: nobody can put his own in their place. But "$user" in the
--             path would mean the owner here, so a path that begins with it is read for the caller.
CREATE OR REPLACE FUNCTION {schema}.awsdms_intercept_ddl() RETURNS event_trigger
LANGUAGE plpgsql SECURITY DEFINER AS $awsdms_intercept_ddl$
DECLARE
    _role    pg_catalog.text := pg_catalog.current_setting('role');
    _schema  pg_catalog.text := current_schema;
    _key     pg_catalog.int8;
BEGIN
    IF tg_tag OPERATOR(pg_catalog.<>) ALL
        (ARRAY['CREATE TABLE', 'ALTER TABLE', 'DROP TABLE', 'CREATE TABLE AS']::pg_catalog.text[])
    THEN
        RETURN;
    END IF;
    IF pg_catalog.starts_with(pg_catalog.current_setting('search_path'), '"$user"') THEN
        IF _role OPERATOR(pg_catalog.=) 'none' THEN
            _role := session_user;
        END IF;
        SELECT space.nspname INTO _schema FROM pg_catalog.pg_namespace AS space
        WHERE space.nspname OPERATOR(pg_catalog.=) _role::pg_catalog.name
            AND pg_catalog.has_schema_privilege(_role::pg_catalog.name, space.oid, 'USAGE');
        IF NOT FOUND THEN
            _schema := current_schema;
        END IF;
    END IF;
    INSERT INTO {schema}.awsdms_ddl_audit (c_time, c_user, c_txn, c_tag, c_oid, c_name, c_schema, c_ddlqry)
    VALUES (
        current_timestamp, session_user, pg_catalog.txid_current()::pg_catalog.varchar(16), tg_tag, 0, '',
        _schema, pg_catalog.current_query()
    )
    RETURNING c_key, c_schema INTO _key, _schema;
    DELETE FROM {schema}.awsdms_ddl_audit WHERE c_key OPERATOR(pg_catalog.=) _key;
    RAISE DEBUG 'logged % for DMS', tg_tag USING SCHEMA = coalesce(_schema, ''), TABLE = 'awsdms_ddl_audit';
END;
$awsdms_intercept_ddl$;
REVOKE ALL ON FUNCTION {schema}.awsdms_intercept_ddl() FROM PUBLIC;
