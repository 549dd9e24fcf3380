-- Check whether pglogical is there, and whether the DMS role may use it.
-- Runs on:    source, in the database of the migration; read only.
-- Needs:      nothing beyond CONNECT.                    Undo: not needed
-- Reads:      pg_extension, pg_available_extensions, pg_proc
-- Source:     https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Source.PostgreSQL.html
SELECT
    EXISTS (SELECT FROM pg_available_extensions WHERE name = 'pglogical') AS available,
    'pglogical' = ANY (regexp_split_to_array(current_setting('shared_preload_libraries'), '[\s",]+')) AS preloaded,
    ext.extversion AS version,
    ext.oid IS NOT NULL AND has_schema_privilege(%(role)s, ext.extnamespace, 'USAGE') AND NOT EXISTS (
        SELECT FROM pg_proc AS fun
        WHERE fun.pronamespace = ext.extnamespace AND NOT has_function_privilege(%(role)s, fun.oid, 'EXECUTE')
    ) AND NOT EXISTS (
        SELECT FROM pg_class AS rel
        WHERE rel.relnamespace = ext.extnamespace AND rel.relkind IN ('r', 'v')
          AND NOT has_table_privilege(%(role)s, rel.oid, 'SELECT')
    ) AS usable
FROM (VALUES ('pglogical')) AS wanted (name)
LEFT JOIN pg_extension AS ext ON ext.extname = wanted.name;
