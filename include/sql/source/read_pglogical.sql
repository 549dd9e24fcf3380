-- Read whether pglogical is in this database, and what marks it. One row; NULL: not there.
-- Runs on:    source, in the database of the migration; read only.
-- Needs:      nothing beyond CONNECT.                    Undo: not needed
-- Reads:      pg_extension, pg_namespace
-- Source:     https://www.postgresql.org/docs/current/catalog-pg-extension.html
SELECT ext.extversion AS version, space.nspname::text AS schema, obj_description(space.oid, 'pg_namespace') AS comment
FROM (VALUES ('pglogical')) AS wanted (name)
LEFT JOIN pg_extension AS ext ON ext.extname = wanted.name
LEFT JOIN pg_namespace AS space ON space.nspname = wanted.name;
