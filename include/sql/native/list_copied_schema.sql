-- List the tables that a migration has made on the target.
-- Runs on:    target; changes nothing.
-- Needs:      SELECT on pgcdc_native.copied_schema.
-- Reads:      pgcdc_native.copied_schema
-- Source:     https://www.postgresql.org/docs/current/sql-select.html
SELECT schema_name AS schema, table_name AS table FROM pgcdc_native.copied_schema WHERE migration = %(migration)s;
