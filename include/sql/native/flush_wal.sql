-- Wait until everything that this server has committed is on its disk.
-- Runs on:    target, in a session whose synchronous_commit is the server's own again; safe to re-run.
-- Needs:      nothing beyond CONNECT.                    Undo: not needed
-- Creates:    nothing; writes a message of a few bytes into the WAL
-- Source:     https://www.postgresql.org/docs/current/wal-async-commit.html
-- Why:        WAL is written in order: once the commit of this message is safe, so is every earlier one.
SELECT pg_logical_emit_message(true, 'pg_cdc', 'flush');
