-- Drop the table of old parameter values. The parameters stay as they are.
-- Runs on:    source; safe to re-run.
-- Needs:      ownership of the table.                    Undo: create_parameter_before.sql
-- Drops:      table pgcdc.parameter_before
-- Source:     https://www.postgresql.org/docs/current/sql-droptable.html
DROP TABLE IF EXISTS pgcdc.parameter_before;
