-- List the columns whose type DMS does not take over as it is: LOBs, changed, rounded and unknown types.
-- Runs on:    source, in the database of the migration; read only.
-- Needs:      nothing beyond CONNECT.                    Undo: not needed
-- Reads:      pg_class, pg_attribute, pg_type, pg_constraint
-- Source:     https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Source.PostgreSQL.html
-- Why:        one query for all tables, and plain columns are left out here, since most are plain. Domains are followed
--             down to the type that they are made of: DMS sees that one.
WITH RECURSIVE steps AS (
    SELECT oid, typbasetype AS base, typtypmod AS modifier FROM pg_type WHERE typtype = 'd'
    UNION ALL
    SELECT steps.oid, inner_type.typbasetype, greatest(steps.modifier, inner_type.typtypmod)
    FROM steps JOIN pg_type AS inner_type ON inner_type.oid = steps.base AND inner_type.typtype = 'd'
),
domains AS (
    SELECT steps.oid, steps.base, steps.modifier
    FROM steps JOIN pg_type AS base ON base.oid = steps.base AND base.typtype <> 'd'
),
columns AS (
    SELECT rel.oid, space.nspname, rel.relname, att.attname, att.attnum, att.attnotnull,
        coalesce(domain.base, att.atttypid) AS type,
        CASE WHEN domain.oid IS NULL THEN att.atttypmod ELSE domain.modifier END AS modifier
    FROM pg_attribute AS att
    JOIN pg_class AS rel ON rel.oid = att.attrelid
    JOIN pg_namespace AS space ON space.oid = rel.relnamespace
    LEFT JOIN domains AS domain ON domain.oid = att.atttypid
    WHERE att.attnum > 0 AND NOT att.attisdropped
      AND rel.relkind IN ('r', 'p', 'v') AND rel.relpersistence <> 't'
      AND space.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
      AND att.atttypid <> ALL (
          '{int2,int4,int8,float4,float8,bool,date,time,timestamp,timestamptz,uuid}'::regtype[]::oid[]
      )
)
SELECT
    nspname::text AS schema,
    relname::text AS "table",
    attname::text AS name,
    CASE WHEN type.typcategory = 'A' THEN element.typname || '[]' ELSE type.typname::text END AS type,
    CASE WHEN type.typcategory = 'A' THEN 'a' ELSE type.typtype::text END AS kind,
    CASE WHEN modifier < 0 THEN NULL WHEN type.oid = 'numeric'::regtype THEN ((modifier - 4) >> 16) & 65535
        ELSE modifier - 4 END AS size,
    attnotnull AS not_null,
    coalesce(attnum = ANY (key.conkey), false) AS in_key
FROM columns
JOIN pg_type AS type ON type.oid = columns.type
LEFT JOIN pg_type AS element ON element.oid = type.typelem AND type.typcategory = 'A'
LEFT JOIN pg_constraint AS key ON key.conrelid = columns.oid AND key.contype = 'p'
WHERE NOT (type.oid IN ('varchar'::regtype, 'bpchar'::regtype) AND modifier >= 0)
  AND type.oid <> ALL ('{int2,int4,int8,float4,float8,bool,date,time,timestamp,timestamptz,uuid}'::regtype[]::oid[])
  AND NOT (type.oid = 'numeric'::regtype AND modifier >= 0 AND ((modifier - 4) >> 16) & 65535 <= 38)
ORDER BY 1, 2, columns.attnum;
