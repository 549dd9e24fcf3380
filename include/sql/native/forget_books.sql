-- Delete the rows of one migration from one of our books; those of others stay.
-- Runs on:    source or target, when the migration is taken down; safe to re-run.
-- Needs:      DELETE on the table.                       Undo: not possible
-- Reads:      nothing; deletes rows of a table of schema pgcdc_native
-- Source:     https://www.postgresql.org/docs/current/sql-delete.html
DELETE FROM pgcdc_native.{table} WHERE migration = %(migration)s;
