-- Check that the server takes writes: a transaction gets an ID of its own, and leaves nothing behind.
-- Runs on:    a promoted read replica, any database; safe to re-run.
-- Needs:      nothing beyond CONNECT.                    Undo: not needed
-- Reads:      pg_current_xact_id
-- Source:     https://www.postgresql.org/docs/current/functions-info.html#FUNCTIONS-PG-SNAPSHOT
-- Why:        a standby cannot assign one, whatever the API says of it.
SELECT pg_current_xact_id()::text AS transaction_id;
