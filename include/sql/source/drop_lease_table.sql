-- Remove the table of the lease.
-- Runs on:    source, in the database postgres, when no migration of the cluster is left; safe to re-run.
-- Needs:      ownership of the table.                    Undo: create_lease_table.sql
-- Drops:      table pgcdc.lease
-- Source:     https://www.postgresql.org/docs/current/sql-droptable.html
DROP TABLE IF EXISTS pgcdc.lease;
