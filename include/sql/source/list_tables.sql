-- List tables and views with key, replica identity, size and parent.
-- Runs on:    source, in the database of the migration; read only.
-- Needs:      nothing beyond CONNECT.                    Undo: not needed
-- Reads:      pg_class, pg_constraint, pg_inherits
-- Source:     https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Source.PostgreSQL.html
-- Why:        one query for all tables, from catalogues alone: the size functions would lock every table and wait
--             behind an ALTER TABLE. Sizes are those of the last VACUUM or ANALYZE; 0 where there was none.
WITH relations AS (
    SELECT rel.*, space.nspname
    FROM pg_class AS rel JOIN pg_namespace AS space ON space.oid = rel.relnamespace
    WHERE rel.relkind IN ('r', 'p', 'v') AND rel.relpersistence <> 't'
      AND space.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
      AND space.nspname !~ '^pg_(toast_)?temp_'
)
SELECT
    rel.nspname::text AS schema,
    rel.relname::text AS name,
    rel.relkind::text AS kind,
    key.conrelid IS NOT NULL AS has_primary_key,
    rel.relreplident::text AS identity,
    (greatest(rel.relpages, 0) + coalesce(greatest(toast.relpages, 0), 0))::bigint
        * current_setting('block_size')::integer AS bytes,
    greatest(rel.reltuples, 0)::bigint AS estimated_rows,
    parent_space.nspname || '.' || parent.relname AS partition_of,
    rel.relpersistence::text AS persistence
FROM relations AS rel
LEFT JOIN pg_constraint AS key ON key.conrelid = rel.oid AND key.contype = 'p'
LEFT JOIN pg_class AS toast ON toast.oid = rel.reltoastrelid
LEFT JOIN pg_inherits AS inherits ON inherits.inhrelid = rel.oid AND rel.relispartition
LEFT JOIN pg_class AS parent ON parent.oid = inherits.inhparent
LEFT JOIN pg_namespace AS parent_space ON parent_space.oid = parent.relnamespace
ORDER BY 1, 2;
