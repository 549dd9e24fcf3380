-- Read the objects of the DDL audit as they are: table, function, event trigger. One row; NULL: not there.
-- Runs on:    source, in the database of the migration; read only.
-- Needs:      nothing beyond CONNECT.                    Undo: not needed
-- Reads:      pg_class, pg_attribute, pg_proc, pg_event_trigger
-- Source:     https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Source.PostgreSQL.html
SELECT
    pg_get_userbyid(rel.relowner)::text AS table_owner,
    array(
        SELECT format('%%s %%s', att.attname, format_type(att.atttypid, att.atttypmod))
        FROM pg_attribute AS att
        WHERE att.attrelid = rel.oid AND att.attnum > 0 AND NOT att.attisdropped
        ORDER BY att.attnum
    ) AS columns,
    EXISTS (
        SELECT FROM pg_class AS granted, aclexplode(granted.relacl) AS acl
        WHERE acl.grantee = 0 AND granted.relnamespace = space.oid
          AND granted.relname IN ('awsdms_ddl_audit', 'awsdms_ddl_audit_c_key_seq')
    ) AS public_may_write,
    pg_get_userbyid(fun.proowner)::text AS function_owner,
    fun.prosrc AS body,
    fun.prosecdef AS definer,
    coalesce(fun.proconfig, '{}') AS settings,
    fun.proacl IS NULL OR EXISTS (SELECT FROM aclexplode(fun.proacl) AS acl WHERE acl.grantee = 0) AS public_may_execute,
    trigger.evtenabled::text AS trigger_enabled,
    trigger.evtevent::text AS trigger_event,
    trigger_space.nspname::text AS trigger_schema,
    trigger_fun.proname::text AS trigger_function
FROM (VALUES (%(schema)s::text)) AS wanted (schema)
LEFT JOIN pg_namespace AS space ON space.nspname = wanted.schema
LEFT JOIN pg_class AS rel ON rel.relnamespace = space.oid AND rel.relname = 'awsdms_ddl_audit'
LEFT JOIN pg_proc AS fun ON fun.pronamespace = space.oid AND fun.proname = 'awsdms_intercept_ddl' AND fun.pronargs = 0
LEFT JOIN pg_event_trigger AS trigger ON trigger.evtname = 'awsdms_intercept_ddl'
LEFT JOIN pg_proc AS trigger_fun ON trigger_fun.oid = trigger.evtfoid
LEFT JOIN pg_namespace AS trigger_space ON trigger_space.oid = trigger_fun.pronamespace;
