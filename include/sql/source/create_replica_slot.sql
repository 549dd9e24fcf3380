-- Make a logical slot on a read replica, for DMS to read: it makes none there itself.
-- Runs on:    a read replica, PostgreSQL 16 or later. Waits until the primary tells which transactions run:
--             record_running_transactions.sql there, meanwhile.
-- Needs:      rds_replication or REPLICATION; wal_level logical on both.        Undo: drop_slot.sql
-- Creates:    a replication slot
-- Source:     https://www.postgresql.org/docs/current/logicaldecoding-explanation.html#LOGICALDECODING-REPLICATION-SLOTS
SELECT slot_name::text FROM pg_create_logical_replication_slot(%(name)s, 'test_decoding');
