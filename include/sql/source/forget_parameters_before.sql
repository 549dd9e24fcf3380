-- Forget the values that a migration's parameters had before it changed them: they are back, or another has them.
-- Runs on:    source, in the database of the migration; safe to re-run.
-- Needs:      DELETE on pgcdc.parameter_before.
-- Reads:      nothing; deletes rows of pgcdc.parameter_before
-- Source:     https://www.postgresql.org/docs/current/sql-delete.html
DELETE FROM pgcdc.parameter_before
WHERE migration = %(migration)s;
