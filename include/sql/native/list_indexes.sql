-- List indexes with their definitions, and the constraints that stand on them.
-- Runs on:    source or target; read only.
-- Needs:      nothing beyond CONNECT.                    Undo: not needed
-- Reads:      pg_index, pg_class, pg_namespace, pg_constraint, pg_inherits
-- Source:     https://www.postgresql.org/docs/current/catalog-pg-index.html
-- Why:        of a partitioned index only the definition is there; its parts are attached to it one by one.
SELECT
    space.nspname::text AS schema, rel.relname::text AS table, rel.relkind = 'p' AS partitioned,
    ind.relname::text AS name, pg_get_indexdef(ind.oid) AS definition,
    (greatest(rel.relpages, 0)::bigint) AS pages,
    con.conname::text AS constraint_name, con.contype::text AS constraint_type,
    pg_get_constraintdef(con.oid) AS constraint_definition,
    coalesce(con.condeferrable, false) AS deferrable, coalesce(con.condeferred, false) AS deferred,
    parent_space.nspname::text AS parent_schema, parent.relname::text AS parent_name,
    idx.indisreplident AS is_identity, rel.relreplident::text AS identity
FROM pg_index AS idx
JOIN pg_class AS ind ON ind.oid = idx.indexrelid
JOIN pg_class AS rel ON rel.oid = idx.indrelid
JOIN pg_namespace AS space ON space.oid = rel.relnamespace
LEFT JOIN pg_constraint AS con
    ON con.conindid = idx.indexrelid AND con.conrelid = idx.indrelid AND con.contype IN ('p', 'u', 'x')
LEFT JOIN pg_inherits AS inherits ON inherits.inhrelid = ind.oid
LEFT JOIN pg_class AS parent ON parent.oid = inherits.inhparent
LEFT JOIN pg_namespace AS parent_space ON parent_space.oid = parent.relnamespace
WHERE space.nspname || '.' || rel.relname = ANY (%(tables)s)
ORDER BY rel.relpages DESC, 1, 2, 4;
