-- List the databases where our schema may be.
-- Runs on:    source, any database; read only.
-- Needs:      nothing beyond CONNECT.                    Undo: not needed
-- Reads:      pg_shdepend, pg_database
-- Source:     https://www.postgresql.org/docs/current/catalog-pg-shdepend.html
-- Why:        our schema is granted to rds_superuser, and such grants can be seen from everywhere: so not every database
--             of a server with hundreds is connected to.
SELECT DISTINCT base.datname::text AS database
FROM pg_shdepend AS dep
JOIN pg_roles AS role ON role.oid = dep.refobjid AND role.rolname = 'rds_superuser'
JOIN pg_database AS base ON base.oid = dep.dbid
WHERE dep.refclassid = 'pg_authid'::regclass AND dep.classid = 'pg_namespace'::regclass
  AND base.datallowconn AND base.datname <> 'rdsadmin'
ORDER BY 1;
