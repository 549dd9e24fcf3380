-- Check what the DMS role has: the login, both memberships, and its rights in this database.
-- Runs on:    source, in the database of the migration; read only.
-- Needs:      nothing beyond CONNECT.                    Undo: not needed
-- Reads:      pg_roles, pg_namespace
-- Source:     https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Source.PostgreSQL.html
-- Why:        to_regrole and to_regnamespace read their text as an identifier, hence quote_ident. NULL: no such role
--             or schema here.
SELECT
    role.rolcanlogin AS can_login,
    pg_has_role(role.oid, to_regrole('rds_replication')::oid, 'MEMBER') AS in_rds_replication,
    pg_has_role(role.oid, to_regrole('rds_superuser')::oid, 'MEMBER') AS in_rds_superuser,
    has_database_privilege(role.oid, current_database(), 'CONNECT') AS can_connect,
    space.oid IS NOT NULL AS has_artifacts_schema,
    coalesce(has_schema_privilege(role.oid, space.oid, 'USAGE, CREATE')
        AND has_schema_privilege(role.oid, space.oid, 'CREATE'), false) AS can_use_artifacts_schema,
    pg_has_role(current_user, role.oid, 'MEMBER') AS admin_is_member,
    to_regrole('rds_replication') IS NOT NULL AND to_regrole('rds_superuser') IS NOT NULL AS on_rds
FROM (VALUES (%(role)s::text, %(schema)s::text)) AS wanted (role, schema)
LEFT JOIN pg_roles AS role ON role.rolname = wanted.role
LEFT JOIN pg_namespace AS space ON space.nspname = wanted.schema;
