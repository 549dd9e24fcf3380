-- Write a message to the WAL that nobody reads: once there is WAL, the server itself writes within 15 s which transactions run.
-- Runs on:    source, while create_replica_slot.sql waits on its replica, where record_running_transactions.sql is not allowed.
-- Needs:      nothing beyond CONNECT.                                                   Undo: not needed
-- Reads:      nothing
-- Source:     https://www.postgresql.org/docs/current/functions-admin.html#FUNCTIONS-REPLICATION
SELECT pg_logical_emit_message(FALSE, 'pg_cdc', 'a slot is being made on a read replica');
