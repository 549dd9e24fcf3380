-- List the tables with a column whose type has no equality operator.
-- Runs on:    source, in the database of the migration; read only.
-- Needs:      nothing beyond CONNECT.                    Undo: not needed
-- Reads:      pg_attribute, pg_class, pg_namespace, pg_type, pg_opclass
-- Source:     https://www.postgresql.org/docs/current/sql-altertable.html
-- Why:        with replica identity full a changed row is looked for by all its columns: apply stops for good at a type
--             that cannot be compared.
SELECT DISTINCT space.nspname::text AS schema, rel.relname::text AS table
FROM pg_attribute AS att
JOIN pg_class AS rel ON rel.oid = att.attrelid AND rel.relkind = 'r'
JOIN pg_namespace AS space ON space.oid = rel.relnamespace
JOIN pg_type AS kind ON kind.oid = att.atttypid
JOIN pg_type AS base ON base.oid = CASE WHEN kind.typtype = 'd' THEN kind.typbasetype ELSE kind.oid END
JOIN pg_type AS item ON item.oid = CASE WHEN base.typcategory = 'A' THEN base.typelem ELSE base.oid END
WHERE att.attnum > 0 AND NOT att.attisdropped AND item.typtype = 'b'
  AND space.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
  AND NOT EXISTS (
      SELECT FROM pg_opclass AS class JOIN pg_am AS method ON method.oid = class.opcmethod
      WHERE method.amname IN ('btree', 'hash')
        AND class.opcintype IN (item.oid, (SELECT cast_.casttarget FROM pg_cast AS cast_
            WHERE cast_.castsource = item.oid AND cast_.castmethod = 'b' AND cast_.castcontext = 'i'
              AND cast_.casttarget IN ('text'::regtype, 'bpchar'::regtype) LIMIT 1))
  )
ORDER BY 1, 2;
