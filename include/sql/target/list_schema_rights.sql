-- List the schemas of the target, and whether the login may make tables in each.
-- Runs on:    target, in the database of the migration; read only.
-- Needs:      nothing beyond CONNECT.                    Undo: not needed
-- Reads:      pg_namespace, pg_database
-- Source:     https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Target.PostgreSQL.html
-- Why:        the first row is the database itself, with the right to make schemas there; its name is NULL.
SELECT NULL AS name, has_database_privilege(current_database(), 'CREATE') AS may_create
UNION ALL
SELECT space.nspname::text, has_schema_privilege(space.oid, 'CREATE') AND has_schema_privilege(space.oid, 'USAGE')
FROM pg_namespace AS space
WHERE space.nspname !~ '^pg_' AND space.nspname <> 'information_schema'
ORDER BY 1 NULLS FIRST;
