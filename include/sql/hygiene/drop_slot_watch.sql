-- Remove the table of what earlier runs of slot hygiene decided.
-- Runs on:    source, in the database postgres, when no slot is left to watch; safe to re-run.
-- Needs:      ownership of the table.                    Undo: create_slot_watch.sql
-- Drops:      table pgcdc.slot_watch
-- Source:     https://www.postgresql.org/docs/current/sql-droptable.html
DROP TABLE IF EXISTS pgcdc.slot_watch;
