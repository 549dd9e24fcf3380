-- Remove the DMS role with all that it owns and may do in this database. Only for a role whose comment says it is ours.
-- Runs on:    source, in the database of the migration, after drop_ddl_audit.sql and drop_artifacts_schema.sql.
-- Needs:      membership in the role.                    Undo: create_dms_role.sql
-- Drops:      the role, its grants, and what it owns here
-- Source:     https://www.postgresql.org/docs/current/role-removal.html
DROP OWNED BY {role};
DROP ROLE {role};
