-- Read one replication slot.
-- Runs on:    source; changes nothing.
-- Needs:      CONNECT.
-- Reads:      pg_replication_slots
-- Source:     https://www.postgresql.org/docs/current/view-pg-replication-slots.html
SELECT
    slot_name::text AS name, plugin::text, database::text, active, active_pid, wal_status,
    confirmed_flush_lsn::text AS confirmed_flush_lsn,
    CASE WHEN NOT pg_is_in_recovery() THEN pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn)::bigint
    END AS retained_bytes,
    CASE WHEN NOT pg_is_in_recovery() THEN pg_wal_lsn_diff(pg_current_wal_lsn(), confirmed_flush_lsn)::bigint
    END AS lag_bytes
FROM pg_replication_slots
WHERE slot_name = %(slot_name)s;
