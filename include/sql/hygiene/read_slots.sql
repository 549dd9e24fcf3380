-- Read every replication slot, and beside each where the server is; one row without a slot where there is none.
-- Runs on:    source, any database, PostgreSQL 13 and later, a standby too; read only.
-- Needs:      nothing beyond CONNECT.                    Undo: not needed
-- Reads:      pg_replication_slots
-- Source:     https://www.postgresql.org/docs/current/view-pg-replication-slots.html
-- Why:        slot.* gives the columns that this version has: conflicting came with 16, inactive_since,
--             invalidation_reason, failover and synced with 17. The WAL functions are called only where a slot is:
--             Aurora without logical replication refuses them. No function of LSNs or JSON: all of this is asked of a
--             session that has just begun, where each costs a look into the catalogue.
SELECT
    extract(epoch FROM clock_timestamp())::float8 AS at,
    current_setting('server_version_num')::integer AS version_num,
    pg_is_in_recovery() AS in_recovery,
    current_setting('max_slot_wal_keep_size') AS keep,
    CASE
        WHEN slot.slot_name IS NULL THEN NULL
        WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn()
        ELSE pg_current_wal_lsn()
    END AS wal_lsn,
    age(slot.catalog_xmin) AS catalog_xmin_age,
    slot.*
FROM (VALUES (1)) AS server (one)
LEFT JOIN pg_replication_slots AS slot ON true;
