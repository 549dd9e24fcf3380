-- List the schemas of this database in which a role was granted something.
-- Runs on:    source, in the database of the migration; read only.
-- Needs:      nothing beyond CONNECT.                    Undo: not needed
-- Reads:      pg_shdepend, pg_class, pg_proc, pg_namespace
-- Source:     https://www.postgresql.org/docs/current/catalog-pg-shdepend.html
SELECT DISTINCT space.nspname::text AS schema
FROM pg_shdepend AS dep
JOIN pg_roles AS role ON dep.refclassid = 'pg_authid'::regclass AND role.oid = dep.refobjid
LEFT JOIN pg_class AS rel ON dep.classid = 'pg_class'::regclass AND rel.oid = dep.objid
LEFT JOIN pg_proc AS fun ON dep.classid = 'pg_proc'::regclass AND fun.oid = dep.objid
JOIN pg_namespace AS space ON space.oid = coalesce(
    rel.relnamespace, fun.pronamespace, CASE WHEN dep.classid = 'pg_namespace'::regclass THEN dep.objid END
)
WHERE dep.dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND dep.deptype = 'a' AND role.rolname = %(role)s
ORDER BY 1;
