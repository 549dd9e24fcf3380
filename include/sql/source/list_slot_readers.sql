-- List the replication slots and the role that reads each one now.
-- Runs on:    source, or the read replica that DMS reads from; changes nothing.
-- Needs:      pg_read_all_stats (in rds_superuser), else the role of other sessions is not seen.
-- Reads:      pg_replication_slots, pg_stat_activity
-- Source:     https://www.postgresql.org/docs/current/view-pg-replication-slots.html
SELECT
    slot.slot_name,
    slot.plugin,
    slot.slot_type,
    slot.database,
    slot.active,
    slot.wal_status,
    pg_wal_lsn_diff(
        CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END, slot.restart_lsn
    )::bigint AS retained_bytes,
    slot.confirmed_flush_lsn::text AS confirmed_flush_lsn,
    slot.temporary,
    session.usename AS role
FROM pg_catalog.pg_replication_slots AS slot
LEFT JOIN pg_catalog.pg_stat_activity AS session ON session.pid = slot.active_pid
ORDER BY slot.slot_name;
