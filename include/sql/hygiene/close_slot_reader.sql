-- End the session that reads a slot, if it still is the one that was seen: one statement.
-- Runs on:    source, any database; a second run finds nothing and does nothing.
-- Needs:      pg_signal_backend (in rds_superuser).      Undo: none; a consumer that lives connects again
-- Reads:      pg_replication_slots; one row comes back if a session was told to end
-- Source:     https://www.postgresql.org/docs/current/functions-admin.html#FUNCTIONS-ADMIN-SIGNAL
SELECT pg_catalog.pg_terminate_backend(slot.active_pid) AS told
FROM pg_catalog.pg_replication_slots AS slot
WHERE slot.slot_name = %(name)s AND slot.active_pid = %(pid)s;
