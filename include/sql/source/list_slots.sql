-- List the replication slots, with the WAL each holds back.
-- Runs on:    source, any database; read only.
-- Needs:      nothing beyond CONNECT; PostgreSQL 13.      Undo: not needed
-- Reads:      pg_replication_slots
-- Source:     https://www.postgresql.org/docs/current/view-pg-replication-slots.html
-- Why:        the WAL functions are called only when a slot exists: Aurora without logical replication refuses them.
SELECT
    slot_name::text AS name,
    plugin::text AS plugin,
    slot_type,
    database::text AS database,
    active,
    wal_status,
    pg_wal_lsn_diff(
        CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END, restart_lsn
    )::bigint AS retained_bytes,
    confirmed_flush_lsn::text AS confirmed_flush_lsn,
    temporary
FROM pg_replication_slots
ORDER BY slot_name;
