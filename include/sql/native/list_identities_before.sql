-- List the tables whose replica identity a migration changed, and what it was.
-- Runs on:    source; changes nothing.
-- Needs:      SELECT on pgcdc_native.identity_before.
-- Reads:      pgcdc_native.identity_before, pg_class, pg_namespace
-- Source:     https://www.postgresql.org/docs/current/sql-altertable.html
-- Why:        a table that is gone, or that has another identity than the one we gave it, is nobody's business of ours.
SELECT old.schema_name AS schema, old.table_name AS table, old.identity
FROM pgcdc_native.identity_before AS old
JOIN pg_namespace AS space ON space.nspname = old.schema_name
JOIN pg_class AS rel ON rel.relnamespace = space.oid AND rel.relname = old.table_name AND rel.relreplident = 'f'
WHERE old.migration = %(migration)s
ORDER BY 1, 2;
