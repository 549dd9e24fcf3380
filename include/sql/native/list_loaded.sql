-- List the tables that a migration has loaded, and as of which point of the source's WAL.
-- Runs on:    target; changes nothing.
-- Needs:      SELECT on pgcdc_native.loaded_table.
-- Reads:      pgcdc_native.loaded_table
-- Source:     https://www.postgresql.org/docs/current/sql-select.html
SELECT
    schema_name AS schema, table_name AS table, consistent_point::text AS consistent_point, rows, bytes, seconds
FROM pgcdc_native.loaded_table
WHERE migration = %(migration)s;
