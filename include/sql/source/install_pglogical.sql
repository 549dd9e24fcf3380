-- Make the extension pglogical without breaking the applications' DDL.
-- Runs on:    source, in the database of the migration, in one transaction; pglogical must be preloaded.
-- Needs:      rds_superuser.                             Undo: drop_pglogical.sql
-- Creates:    extension and schema pglogical; the schema's comment says which migration made them
-- Source:     https://github.com/2ndQuadrant/pglogical/issues/483
-- Why:        from the moment it exists, DROP INDEX, DROP TABLE and DROP COLUMN of a role without USAGE on its schema end
--             with 42501. But with USAGE anyone could call pglogical.drop_node: so nobody may execute its functions.
CREATE EXTENSION pglogical;
REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA pglogical FROM PUBLIC;
GRANT USAGE ON SCHEMA pglogical TO PUBLIC;
COMMENT ON SCHEMA pglogical IS {mark};
