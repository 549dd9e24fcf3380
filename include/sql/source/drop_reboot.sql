-- Drop the table of reboots.
-- Runs on:    source; safe to re-run.
-- Needs:      ownership of the table.                    Undo: create_reboot.sql
-- Drops:      table pgcdc.reboot
-- Source:     https://www.postgresql.org/docs/current/sql-droptable.html
DROP TABLE IF EXISTS pgcdc.reboot;
