-- Record tables as made by a migration, in the transaction that makes them.
-- Runs on:    target.
-- Needs:      INSERT on pgcdc_native.copied_schema.
-- Reads:      nothing; writes rows of pgcdc_native.copied_schema
-- Source:     https://www.postgresql.org/docs/current/sql-insert.html
INSERT INTO pgcdc_native.copied_schema (migration, schema_name, table_name)
SELECT %(migration)s, made.schema_name, made.table_name
FROM unnest(%(schemas)s::text[], %(tables)s::text[]) AS made (schema_name, table_name)
ON CONFLICT DO NOTHING;
