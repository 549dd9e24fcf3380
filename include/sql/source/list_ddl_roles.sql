-- List every role with the schemas in which it can make tables.
-- Runs on:    source, in the database of the migration; read only.
-- Needs:      nothing beyond CONNECT.                    Undo: not needed
-- Reads:      pg_roles, pg_namespace
-- Source:     https://www.postgresql.org/docs/current/ddl-priv.html
-- Why:        also roles without LOGIN, since an application may SET ROLE to them. Not those of PostgreSQL and RDS
--             themselves, which nobody can become.
SELECT
    role.rolname::text AS role,
    array_agg(space.nspname::text ORDER BY space.nspname) AS schemas,
    pg_has_role(current_user, role.oid, 'MEMBER') AS may_become
FROM pg_roles AS role
JOIN pg_namespace AS space
    ON has_schema_privilege(role.oid, space.oid, 'CREATE') AND has_schema_privilege(role.oid, space.oid, 'USAGE')
WHERE space.nspname NOT IN ('information_schema', 'pglogical', %(artifacts_schema)s) AND space.nspname !~ '^pg_'
    AND role.rolname !~ '^(pg_|rds)' AND (NOT role.rolsuper OR role.rolname = current_user)
GROUP BY role.oid, role.rolname
ORDER BY role.rolname;
