-- List the tables that have generated columns.
-- Runs on:    source; read only.
-- Needs:      nothing beyond CONNECT.                    Undo: not needed
-- Reads:      pg_attribute, pg_class
-- Source:     https://www.postgresql.org/docs/current/ddl-generated-columns.html
-- Why:        pglogical 2.4 copies them, which COPY refuses; left out of its set, its worker on the target ends with a
--             segmentation fault at the first row, and takes the whole server down each time it is started again.
SELECT DISTINCT space.nspname::text AS schema, rel.relname::text AS table
FROM pg_attribute AS att
JOIN pg_class AS rel ON rel.oid = att.attrelid AND rel.relkind = 'r'
JOIN pg_namespace AS space ON space.oid = rel.relnamespace
WHERE att.attgenerated <> '' AND NOT att.attisdropped
ORDER BY 1, 2;
