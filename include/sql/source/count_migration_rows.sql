-- Count the rows that each migration has in one of our tables.
-- Runs on:    source or target, in the database of the migration; read only.
-- Needs:      SELECT on the table.                       Undo: not needed
-- Reads:      a table of schema pgcdc
-- Source:     https://www.postgresql.org/docs/current/sql-select.html
SELECT migration, count(*)::integer AS rows FROM pgcdc.{table} GROUP BY migration ORDER BY migration;
