-- Read the snapshot of a migration, whether its keeper is alive, and what became of its slot.
-- Runs on:    source; changes nothing.
-- Needs:      SELECT on pgcdc_native.snapshot; pg_monitor, to see another role's session.
-- Reads:      pgcdc_native.snapshot, pg_stat_activity
-- Source:     https://www.postgresql.org/docs/current/monitoring-stats.html
SELECT
    snap.slot_name, snap.consistent_point::text AS consistent_point, snap.snapshot_name, snap.keeper_pid, snap.loads,
    snap.loaded_at IS NOT NULL AS loaded,
    EXISTS (
        SELECT FROM pg_stat_activity AS act
        WHERE act.pid = snap.keeper_pid AND act.backend_start = snap.keeper_started
    ) AS keeper_alive
FROM pgcdc_native.snapshot AS snap
WHERE snap.migration = %(migration)s;
