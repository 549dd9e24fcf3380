-- List what a migration has made of pglogical's in this database.
-- Runs on:    source or target, where our books are; read only.
-- Needs:      SELECT on pgcdc_native.pglogical_made.          Undo: not needed
-- Reads:      pgcdc_native.pglogical_made
-- Source:     https://www.postgresql.org/docs/current/sql-select.html
SELECT kind, name FROM pgcdc_native.pglogical_made WHERE migration = %(migration)s ORDER BY 1, 2;
