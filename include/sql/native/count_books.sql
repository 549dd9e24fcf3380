-- Count the rows of a migration, and of all, in one of our books.
-- Runs on:    source or target; changes nothing.
-- Needs:      SELECT on the table.
-- Reads:      a table of schema pgcdc_native
-- Source:     https://www.postgresql.org/docs/current/sql-select.html
SELECT count(*) FILTER (WHERE migration = %(migration)s)::integer AS own, count(*)::integer AS all_rows
FROM pgcdc_native.{table};
