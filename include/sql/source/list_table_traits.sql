-- List what a copy by DMS leaves behind, or stumbles over, of each table: a row for each kind and table.
-- Runs on:    source, in the database of the migration; read only.
-- Needs:      nothing beyond CONNECT.                    Undo: not needed
-- Reads:      pg_class, pg_attribute, pg_constraint, pg_depend, pg_index, pg_inherits, pg_policy, pg_trigger
-- Source:     https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Source.PostgreSQL.html
-- Why:        one query for all tables; only those that have something are listed, in no order: sorting all costs more
--             than sorting the few that are told. Row security counts unless a policy lets the DMS role read every row,
--             since a full load reads as that role.
WITH relations AS (
    SELECT rel.*, space.nspname::text AS schema, rel.relname::text AS "table"
    FROM pg_class AS rel JOIN pg_namespace AS space ON space.oid = rel.relnamespace
    WHERE rel.relkind IN ('r', 'p', 'm', 'f', 'S') AND rel.relpersistence <> 't'
      AND space.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
      AND NOT EXISTS (
          SELECT FROM pg_depend AS member
          WHERE member.classid = 'pg_class'::regclass AND member.objid = rel.oid AND member.deptype = 'e'
      )
),
reader AS (
    SELECT oid, rolbypassrls OR rolsuper AS sees_all FROM pg_roles WHERE rolname = %(role)s
),
used_sequences AS (
    SELECT dep.refobjid AS relation, seq.oid AS sequence, seq.schema || '.' || seq."table" AS name
    FROM pg_depend AS dep JOIN relations AS seq ON seq.oid = dep.objid AND seq.relkind = 'S'
    WHERE dep.classid = 'pg_class'::regclass AND dep.refclassid = 'pg_class'::regclass
      AND dep.deptype IN ('a', 'i') AND dep.refobjsubid > 0
    UNION ALL
    SELECT def.adrelid, seq.oid, seq.schema || '.' || seq."table"
    FROM pg_attrdef AS def
    JOIN pg_depend AS dep ON dep.classid = 'pg_attrdef'::regclass AND dep.objid = def.oid
        AND dep.refclassid = 'pg_class'::regclass
    JOIN relations AS seq ON seq.oid = dep.refobjid AND seq.relkind = 'S'
),
odd_columns AS MATERIALIZED (
    SELECT attrelid, attname, attnum, attgenerated <> '' AS generated, attname <> lower(attname) AS cased
    FROM pg_attribute
    WHERE attnum > 0 AND NOT attisdropped AND (attgenerated <> '' OR attname <> lower(attname))
)
SELECT 'trigger' AS kind, rel.schema, rel."table", array_agg(trg.tgname::text ORDER BY trg.tgname) AS objects
FROM relations AS rel JOIN pg_trigger AS trg ON trg.tgrelid = rel.oid AND NOT trg.tgisinternal
GROUP BY 1, 2, 3
UNION ALL
SELECT 'row_security', rel.schema, rel."table", '{}'
FROM relations AS rel LEFT JOIN reader ON true
WHERE rel.relrowsecurity AND NOT coalesce(reader.sees_all, false)
  AND (rel.relforcerowsecurity OR reader.oid IS NULL OR NOT pg_has_role(reader.oid, rel.relowner, 'usage'))
  AND (
      EXISTS (SELECT FROM pg_policy AS pol WHERE pol.polrelid = rel.oid AND NOT pol.polpermissive)
      OR NOT EXISTS (
          SELECT FROM pg_policy AS pol
          WHERE pol.polrelid = rel.oid AND pol.polpermissive AND pol.polcmd IN ('r', '*')
            AND pg_get_expr(pol.polqual, pol.polrelid) = 'true'
            AND (0 = ANY (pol.polroles) OR reader.oid = ANY (pol.polroles))
      )
  )
UNION ALL
SELECT 'sequence', rel.schema, rel."table", ARRAY[used.name]
FROM used_sequences AS used JOIN relations AS rel ON rel.oid = used.relation AND rel.relkind IN ('r', 'p')
UNION ALL
SELECT 'lone_sequence', seq.schema, '', array_agg(seq.schema || '.' || seq."table" ORDER BY seq."table")
FROM relations AS seq
WHERE seq.relkind = 'S' AND NOT EXISTS (SELECT FROM used_sequences AS used WHERE used.sequence = seq.oid)
GROUP BY 1, 2, 3
UNION ALL
SELECT CASE con.contype WHEN 'p' THEN 'deferrable_key' WHEN 'f' THEN 'deferrable_reference' ELSE 'deferrable' END,
    rel.schema, rel."table", array_agg(con.conname::text ORDER BY con.conname)
FROM relations AS rel JOIN pg_constraint AS con ON con.conrelid = rel.oid AND con.condeferrable
GROUP BY 1, 2, 3
UNION ALL
SELECT 'expression_unique', rel.schema, rel."table", array_agg(idx.indexrelid::regclass::text ORDER BY idx.indexrelid)
FROM relations AS rel JOIN pg_index AS idx ON idx.indrelid = rel.oid
WHERE idx.indisunique AND idx.indexprs IS NOT NULL
GROUP BY 1, 2, 3
UNION ALL
SELECT 'generated', rel.schema, rel."table", array_agg(odd.attname::text ORDER BY odd.attnum)
FROM relations AS rel JOIN odd_columns AS odd ON odd.attrelid = rel.oid AND odd.generated
GROUP BY 1, 2, 3
UNION ALL
SELECT 'column_case', rel.schema, rel."table", array_agg(DISTINCT twin.attname::text)
FROM odd_columns AS odd
JOIN relations AS rel ON rel.oid = odd.attrelid AND rel.relkind IN ('r', 'p')
JOIN pg_attribute AS twin
    ON twin.attrelid = odd.attrelid AND twin.attnum > 0 AND NOT twin.attisdropped
    AND lower(twin.attname) = lower(odd.attname)
WHERE odd.cased
GROUP BY 1, 2, 3, lower(odd.attname)
HAVING count(DISTINCT twin.attname) > 1
UNION ALL
SELECT 'inherited_by', rel.schema, rel."table", array_agg(child.schema || '.' || child."table" ORDER BY child."table")
FROM relations AS rel
JOIN pg_inherits AS inh ON inh.inhparent = rel.oid
JOIN relations AS child ON child.oid = inh.inhrelid AND NOT child.relispartition
GROUP BY 1, 2, 3
UNION ALL
SELECT CASE rel.relkind WHEN 'm' THEN 'materialized_view' ELSE 'foreign_table' END, rel.schema, rel."table", '{}'
FROM relations AS rel WHERE rel.relkind IN ('m', 'f')
UNION ALL
SELECT 'not_grantable', rel.schema, rel."table", ARRAY[pg_get_userbyid(rel.relowner)::text]
FROM relations AS rel LEFT JOIN reader ON true
WHERE rel.relkind IN ('r', 'p') AND NOT pg_has_role(rel.relowner, 'member')
  AND NOT has_table_privilege(rel.oid, 'SELECT WITH GRANT OPTION')
  AND NOT coalesce(has_table_privilege(reader.oid, rel.oid, 'SELECT'), false)
UNION ALL
SELECT 'unique_key', rel.schema, rel."table", array_agg(index_rel.relname::text ORDER BY index_rel.relname)
FROM relations AS rel
JOIN pg_index AS idx ON idx.indrelid = rel.oid AND idx.indisunique AND NOT idx.indisprimary
JOIN pg_class AS index_rel ON index_rel.oid = idx.indexrelid
WHERE rel.relkind = 'r' AND idx.indisvalid AND idx.indimmediate AND idx.indpred IS NULL AND idx.indexprs IS NULL
  AND NOT EXISTS (SELECT FROM pg_constraint AS key WHERE key.conrelid = rel.oid AND key.contype = 'p')
  AND NOT EXISTS (
      SELECT FROM pg_attribute AS att
      WHERE att.attrelid = rel.oid AND att.attnum = ANY (idx.indkey::int2[]) AND NOT att.attnotnull
  )
GROUP BY 1, 2, 3;
