-- Read the schema of the DDL audit: whose it is, what marks it, and all that is in it. One row; NULL: not there.
-- Runs on:    source, in the database of the migration; read only.
-- Needs:      nothing beyond CONNECT.                    Undo: not needed
-- Reads:      pg_namespace, pg_depend, pg_class, pg_proc, pg_event_trigger
-- Source:     https://www.postgresql.org/docs/current/catalog-pg-depend.html
-- Why:        by pg_depend, so that nothing is missed that DROP SCHEMA would stumble over: types and operators too.
--             Other event triggers that call our function would break every DDL command if it went.
SELECT
    pg_get_userbyid(space.nspowner)::text AS owner,
    obj_description(space.oid, 'pg_namespace') AS comment,
    (
        SELECT pg_get_userbyid(rel.relowner)::text FROM pg_class AS rel
        WHERE rel.relnamespace = space.oid AND rel.relname = 'awsdms_heartbeat' AND rel.relkind = 'r'
    ) AS heartbeat_owner,
    array(
        SELECT pg_describe_object(held.classid, held.objid, 0)
        FROM pg_depend AS held
        LEFT JOIN pg_class AS rel ON held.classid = 'pg_class'::regclass AND rel.oid = held.objid
        LEFT JOIN pg_proc AS fun ON held.classid = 'pg_proc'::regclass AND fun.oid = held.objid
        WHERE held.refclassid = 'pg_namespace'::regclass AND held.refobjid = space.oid AND held.deptype = 'n'
          AND NOT coalesce(rel.relname IN (
              'awsdms_ddl_audit', 'awsdms_ddl_audit_c_key_seq', 'awsdms_heartbeat', 'awsdms_heartbeat_hb_key_seq'
          ), false)
          AND NOT coalesce(fun.proname = 'awsdms_intercept_ddl' AND fun.pronargs = 0, false)
        ORDER BY 1
    ) AS strangers,
    array(
        SELECT trigger.evtname::text
        FROM pg_event_trigger AS trigger JOIN pg_proc AS fun ON fun.oid = trigger.evtfoid
        WHERE fun.pronamespace = space.oid AND fun.proname = 'awsdms_intercept_ddl'
          AND trigger.evtname <> 'awsdms_intercept_ddl'
        ORDER BY 1
    ) AS other_triggers
FROM (VALUES (%(schema)s::text)) AS wanted (schema)
LEFT JOIN pg_namespace AS space ON space.nspname = wanted.schema;
