-- Record the snapshot that a session holds now; an earlier one of the migration is over with it.
-- Runs on:    source, by whoever watches the keeper's session.
-- Needs:      INSERT and UPDATE on pgcdc_native.snapshot; pg_monitor.
-- Reads:      pg_stat_activity; writes one row of pgcdc_native.snapshot
-- Source:     https://www.postgresql.org/docs/current/protocol-replication.html
INSERT INTO pgcdc_native.snapshot AS old (
    migration, slot_name, consistent_point, snapshot_name, keeper_pid, keeper_started
)
SELECT
    %(migration)s, %(slot_name)s, %(consistent_point)s::pg_lsn, %(snapshot_name)s, act.pid, act.backend_start
FROM pg_stat_activity AS act
WHERE act.pid = %(keeper_pid)s
ON CONFLICT (migration) DO UPDATE
SET slot_name = excluded.slot_name,
    consistent_point = excluded.consistent_point,
    snapshot_name = excluded.snapshot_name,
    keeper_pid = excluded.keeper_pid,
    keeper_started = excluded.keeper_started,
    loads = old.loads + 1,
    made_at = clock_timestamp(),
    loaded_at = NULL;
