-- Drop the ledger of replication slots. The slots stay.
-- Runs on:    source; safe to re-run.
-- Needs:      ownership of the table.                    Undo: create_slot_owner.sql
-- Drops:      table pgcdc.slot_owner
-- Source:     https://www.postgresql.org/docs/current/sql-droptable.html
DROP TABLE IF EXISTS pgcdc.slot_owner;
