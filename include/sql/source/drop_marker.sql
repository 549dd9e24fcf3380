-- Drop the marker table.
-- Runs on:    source and target; safe to re-run.
-- Needs:      ownership of the table.                    Undo: create_marker.sql
-- Drops:      table pgcdc.marker
-- Source:     https://www.postgresql.org/docs/current/sql-droptable.html
DROP TABLE IF EXISTS pgcdc.marker;
