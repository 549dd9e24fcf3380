-- Tell which of our books are in this database.
-- Runs on:    source or target; changes nothing.
-- Needs:      CONNECT.
-- Reads:      pg_class, pg_namespace
-- Source:     https://www.postgresql.org/docs/current/functions-info.html
SELECT
    to_regclass('pgcdc_native.snapshot') IS NOT NULL AS source_made,
    to_regclass('pgcdc_native.copied_schema') IS NOT NULL AS target_made;
