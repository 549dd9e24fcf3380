-- Remove the table of how slots stood.
-- Runs on:    source, in the database postgres, when no slot is left to watch; safe to re-run.
-- Needs:      ownership of the table.                    Undo: create_slot_observation.sql
-- Drops:      table pgcdc.slot_observation
-- Source:     https://www.postgresql.org/docs/current/sql-droptable.html
DROP TABLE IF EXISTS pgcdc.slot_observation;
