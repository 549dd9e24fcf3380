-- List the constraints that a table gets after its rows: foreign keys, and checks that were never validated.
-- Runs on:    source or target; read only.
-- Needs:      nothing beyond CONNECT.                    Undo: not needed
-- Reads:      pg_constraint, pg_class, pg_namespace
-- Source:     https://www.postgresql.org/docs/current/catalog-pg-constraint.html
SELECT
    space.nspname::text AS schema, rel.relname::text AS table, rel.relkind = 'p' AS partitioned,
    con.conname::text AS name, con.contype::text AS type, con.convalidated AS validated,
    pg_get_constraintdef(con.oid) AS definition,
    other_space.nspname::text AS other_schema, other.relname::text AS other_table
FROM pg_constraint AS con
JOIN pg_class AS rel ON rel.oid = con.conrelid
JOIN pg_namespace AS space ON space.oid = rel.relnamespace
LEFT JOIN pg_class AS other ON other.oid = con.confrelid
LEFT JOIN pg_namespace AS other_space ON other_space.oid = other.relnamespace
WHERE space.nspname || '.' || rel.relname = ANY (%(tables)s)
  AND con.conparentid = 0
  AND (con.contype = 'f' OR (con.contype = 'c' AND NOT con.convalidated))
ORDER BY 1, 2, 4;
