-- List the ordinary tables whose rows a publication carries, with their sizes: partitions, not their parents.
-- Runs on:    source, in the database of the migration; read only.
-- Needs:      nothing beyond CONNECT.                    Undo: not needed
-- Reads:      pg_publication_tables, pg_class, pg_namespace
-- Source:     https://www.postgresql.org/docs/current/view-pg-publication-tables.html
-- Why:        sizes are those of the last VACUUM or ANALYZE: they order the work and tell its progress, no more.
SELECT
    member.schemaname::text AS schema, member.tablename::text AS table,
    greatest(rel.relpages, 0)::bigint * current_setting('block_size')::integer
        + coalesce(greatest(toast.relpages, 0), 0)::bigint * current_setting('block_size')::integer AS bytes,
    greatest(rel.reltuples, 0)::bigint AS estimated_rows
FROM pg_publication_tables AS member
JOIN pg_namespace AS space ON space.nspname = member.schemaname
JOIN pg_class AS rel ON rel.relnamespace = space.oid AND rel.relname = member.tablename AND rel.relkind = 'r'
LEFT JOIN pg_class AS toast ON toast.oid = rel.reltoastrelid
WHERE member.pubname = %(publication)s
ORDER BY 3 DESC, 1, 2;
