-- List which of these tables the DMS role may not read, and which of these schemas it may not use.
-- Runs on:    source, in the database of the migration; read only.
-- Needs:      nothing beyond CONNECT.                    Undo: not needed
-- Reads:      pg_class, pg_namespace
-- Source:     https://www.postgresql.org/docs/current/functions-info.html
-- Why:        USAGE counts for more than SELECT: without it current_schema is worked out wrongly in the audit function,
--             which runs with the DMS role's rights, and the DDL of an application is logged for another schema.
SELECT space.nspname::text AS schema, NULL AS name, pg_get_userbyid(space.nspowner)::text AS owner
FROM pg_namespace AS space
WHERE space.nspname = ANY (%(schemas)s) AND NOT has_schema_privilege(%(role)s, space.oid, 'USAGE')
UNION ALL
SELECT space.nspname::text, rel.relname::text, pg_get_userbyid(rel.relowner)::text
FROM unnest(%(table_schemas)s::text[], %(tables)s::text[]) AS wanted (schema, name)
JOIN pg_namespace AS space ON space.nspname = wanted.schema
JOIN pg_class AS rel ON rel.relnamespace = space.oid AND rel.relname = wanted.name
WHERE NOT has_table_privilege(%(role)s, rel.oid, 'SELECT')
ORDER BY 1, 2 NULLS FIRST;
