-- List what a role owns here that the migration did not make, and the other databases where it owns or may do something.
-- Runs on:    source, in the database of the migration; read only.
-- Needs:      nothing beyond CONNECT.                    Undo: not needed
-- Reads:      pg_shdepend, pg_database, pg_class, pg_proc, pg_namespace
-- Source:     https://www.postgresql.org/docs/current/catalog-pg-shdepend.html
-- Why:        DROP OWNED would drop the first, and DROP ROLE fails over the second. An object with our name counts as
--             ours only in the schema of the audit. Rights on a database itself are kept with database 0.
WITH held AS (
    SELECT dep.* FROM pg_shdepend AS dep JOIN pg_roles AS role ON role.oid = dep.refobjid
    WHERE dep.refclassid = 'pg_authid'::regclass AND role.rolname = %(role)s
)
SELECT 'here' AS place, pg_describe_object(held.classid, held.objid, held.objsubid) AS name
FROM held
LEFT JOIN pg_class AS rel ON held.classid = 'pg_class'::regclass AND rel.oid = held.objid
LEFT JOIN pg_proc AS fun ON held.classid = 'pg_proc'::regclass AND fun.oid = held.objid
LEFT JOIN pg_namespace AS space
    ON space.oid = coalesce(rel.relnamespace, fun.pronamespace, held.objid)
    AND (held.classid = 'pg_namespace'::regclass OR rel.oid IS NOT NULL OR fun.oid IS NOT NULL)
WHERE held.dbid = (SELECT oid FROM pg_database WHERE datname = current_database()) AND held.deptype = 'o'
  AND held.classid <> 'pg_default_acl'::regclass
  AND NOT coalesce(space.nspname = %(schema)s AND (
      held.classid = 'pg_namespace'::regclass
      OR fun.proname = 'awsdms_intercept_ddl' AND fun.pronargs = 0
      OR rel.relname IN (
          'awsdms_ddl_audit', 'awsdms_ddl_audit_c_key_seq', 'awsdms_heartbeat', 'awsdms_heartbeat_hb_key_seq'
      )
  ), false)
UNION
SELECT 'database', base.datname::text
FROM held
JOIN pg_database AS base
    ON base.oid = held.dbid OR held.dbid = 0 AND held.classid = 'pg_database'::regclass AND base.oid = held.objid
WHERE base.datname <> current_database()
UNION
SELECT 'here', 'database ' || current_database()
FROM held
JOIN pg_database AS base ON held.dbid = 0 AND held.classid = 'pg_database'::regclass AND base.oid = held.objid
WHERE base.datname = current_database() AND held.deptype = 'o'
ORDER BY 1, 2;
