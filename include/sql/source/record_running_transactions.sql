-- Write which transactions run to the WAL, so that a slot that is being made on a read replica need not wait for a checkpoint.
-- Runs on:    source, PostgreSQL 16 or later, while create_replica_slot.sql waits on its replica; safe to re-run.
-- Needs:      EXECUTE on pg_log_standby_snapshot().                 Undo: not needed
-- Reads:      nothing
-- Source:     https://www.postgresql.org/docs/current/functions-admin.html#FUNCTIONS-SNAPSHOT-SYNCHRONIZATION
SELECT pg_log_standby_snapshot();
