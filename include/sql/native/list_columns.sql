-- List the columns of ordinary tables, with what decides whether COPY may be binary.
-- Runs on:    source or target; read only.
-- Needs:      nothing beyond CONNECT.                    Undo: not needed
-- Reads:      pg_class, pg_namespace, pg_attribute, pg_type
-- Source:     https://www.postgresql.org/docs/current/sql-copy.html
-- Why:        16384 is the first OID of what is not PostgreSQL's own: the binary form of arrays and rows holds the OIDs
--             of their elements, which differ between two servers; reg* types are OIDs themselves.
WITH RECURSIVE base_types AS (
    SELECT oid, oid AS base, typbasetype, typtype FROM pg_type
    UNION ALL
    SELECT inner_type.oid, outer_type.oid, outer_type.typbasetype, outer_type.typtype
    FROM base_types AS inner_type JOIN pg_type AS outer_type ON outer_type.oid = inner_type.typbasetype
    WHERE inner_type.typtype = 'd'
)
SELECT
    space.nspname::text AS schema, rel.relname::text AS table, att.attname::text AS name,
    format_type(att.atttypid, att.atttypmod) AS type,
    att.attgenerated <> '' AS generated,
    (
        kind.typtype = 'e'
        OR (kind.typtype IN ('b', 'r', 'm') AND kind.oid < 16384 AND kind.typsend <> 0 AND kind.typreceive <> 0
            AND kind.typname !~ '^reg' AND (kind.typelem = 0 OR kind.typelem < 16384)
            AND kind.typname !~ '^_(reg|record)')
    ) AS binary
FROM pg_attribute AS att
JOIN pg_class AS rel ON rel.oid = att.attrelid AND rel.relkind = 'r'
JOIN pg_namespace AS space ON space.oid = rel.relnamespace
JOIN base_types AS base ON base.oid = att.atttypid AND base.typtype <> 'd'
JOIN pg_type AS kind ON kind.oid = base.base
WHERE att.attnum > 0 AND NOT att.attisdropped
  AND space.nspname || '.' || rel.relname = ANY (%(tables)s)
ORDER BY 1, 2, att.attnum;
