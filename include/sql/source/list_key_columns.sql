-- List the columns of every primary key.
-- Runs on:    source, in the database of the migration; read only.
-- Needs:      nothing beyond CONNECT.                    Undo: not needed
-- Reads:      pg_class, pg_constraint, pg_attribute
-- Source:     https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Tasks.CustomizingTasks.Filters.html
-- Why:        a DELETE logs the key alone, so a filter on another column loses it. Asked only if a rule has a filter.
SELECT space.nspname::text AS schema, rel.relname::text AS "table",
    array_agg(att.attname::text ORDER BY att.attnum) AS columns
FROM pg_constraint AS key
JOIN pg_class AS rel ON rel.oid = key.conrelid
JOIN pg_namespace AS space ON space.oid = rel.relnamespace
JOIN pg_attribute AS att ON att.attrelid = rel.oid AND att.attnum = ANY (key.conkey)
WHERE key.contype = 'p'
GROUP BY 1, 2
ORDER BY 1, 2;
