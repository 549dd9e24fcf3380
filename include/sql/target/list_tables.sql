-- List the tables that are on the target already, with their keys, indexes, foreign keys and triggers.
-- Runs on:    target, in the database of the migration; read only.
-- Needs:      nothing beyond CONNECT.                    Undo: not needed
-- Reads:      pg_class, pg_constraint, pg_index, pg_trigger, pg_attribute
-- Source:     https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Target.PostgreSQL.html
-- Why:        one query for all tables. Foreign keys are listed at both ends: either one stops a DROP or TRUNCATE.
WITH relations AS (
    SELECT rel.oid, space.nspname::text AS schema, rel.relname::text AS name, rel.relowner
    FROM pg_class AS rel JOIN pg_namespace AS space ON space.oid = rel.relnamespace
    WHERE rel.relkind IN ('r', 'p') AND rel.relpersistence <> 't'
      AND space.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
),
keys AS (
    SELECT idx.indrelid, bool_or(idx.indisprimary) AS has_primary,
        array_agg(own.relname::text ORDER BY own.relname)
            FILTER (WHERE idx.indisunique AND NOT idx.indisprimary) AS uniques,
        array_agg(own.relname::text ORDER BY own.relname) FILTER (WHERE NOT idx.indisunique) AS others
    FROM pg_index AS idx JOIN pg_class AS own ON own.oid = idx.indexrelid
    WHERE idx.indrelid IN (SELECT oid FROM relations)
    GROUP BY 1
),
ends AS (
    SELECT conrelid AS relation, conname FROM pg_constraint WHERE contype = 'f'
    UNION
    SELECT confrelid, conname FROM pg_constraint WHERE contype = 'f'
),
foreign_keys AS (
    SELECT relation, array_agg(conname::text ORDER BY conname) AS names FROM ends GROUP BY 1
),
triggers AS (
    SELECT tgrelid, array_agg(tgname::text ORDER BY tgname) AS names
    FROM pg_trigger WHERE NOT tgisinternal AND tgenabled <> 'D' GROUP BY 1
),
required AS (
    SELECT att.attrelid, array_agg(att.attname::text ORDER BY att.attnum) AS names
    FROM pg_attribute AS att
    WHERE att.attnum > 0 AND NOT att.attisdropped AND att.attnotnull AND att.atttypid <> ALL (
        '{int2,int4,int8,float4,float8,numeric,bool,date,time,timestamp,timestamptz,uuid,varchar,bpchar}'::regtype[]
        ::oid[]
    )
    GROUP BY 1
)
SELECT
    rel.schema,
    rel.name,
    coalesce(keys.has_primary, false) AS has_primary_key,
    coalesce(keys.uniques, '{}') AS unique_indexes,
    coalesce(keys.others, '{}') AS other_indexes,
    coalesce(foreign_keys.names, '{}') AS foreign_keys,
    coalesce(triggers.names, '{}') AS triggers,
    coalesce(required.names, '{}') AS not_null,
    pg_has_role(rel.relowner, 'usage') AS owned,
    has_table_privilege(rel.oid, 'INSERT') AND has_table_privilege(rel.oid, 'UPDATE')
        AND has_table_privilege(rel.oid, 'DELETE') AND has_table_privilege(rel.oid, 'SELECT')
        AND has_table_privilege(rel.oid, 'TRUNCATE') AS writable
FROM relations AS rel
LEFT JOIN keys ON keys.indrelid = rel.oid
LEFT JOIN foreign_keys ON foreign_keys.relation = rel.oid
LEFT JOIN triggers ON triggers.tgrelid = rel.oid
LEFT JOIN required ON required.attrelid = rel.oid
ORDER BY 1, 2;
