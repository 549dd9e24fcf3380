-- Read how far a standby has replayed, or that it is none.
-- Runs on:    source or one of its read replicas, any database; read only.
-- Needs:      nothing beyond CONNECT.                    Undo: not needed
-- Reads:      pg_is_in_recovery, pg_last_wal_replay_lsn, pg_is_wal_replay_paused
-- Source:     https://www.postgresql.org/docs/current/functions-admin.html#FUNCTIONS-RECOVERY-CONTROL
-- Why:        these functions fail on a primary, which has a position to write at instead of one to replay.
SELECT
    pg_is_in_recovery() AS in_recovery,
    CASE WHEN pg_is_in_recovery() THEN pg_is_wal_replay_paused() ELSE FALSE END AS paused,
    CASE
        WHEN pg_is_in_recovery() THEN pg_wal_lsn_diff(coalesce(pg_last_wal_replay_lsn(), '0/0'), '0/0')
        ELSE pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')
    END::bigint AS position;
