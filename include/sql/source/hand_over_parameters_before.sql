-- Give another migration the values that parameters had before this one changed them: it still needs what was set.
-- Runs on:    source, in the database of the other migration; safe to re-run.
-- Needs:      INSERT and UPDATE on pgcdc.parameter_before.
-- Reads:      nothing; writes one row of pgcdc.parameter_before
-- Source:     https://www.postgresql.org/docs/current/sql-insert.html
-- Why:        of two values before, the older is what was there before both; of two values set, the newer is in force.
INSERT INTO pgcdc.parameter_before AS kept (
    migration, name, group_name, cluster_group, value, source, live, apply_type, set_in, set_to, recorded_at
)
VALUES (
    %(migration)s, %(name)s, %(group_name)s, %(cluster_group)s, %(value)s, %(source)s, %(live)s, %(apply_type)s,
    %(set_in)s, %(set_to)s, %(recorded_at)s
)
ON CONFLICT (migration, name) DO UPDATE SET
    group_name = excluded.group_name,
    cluster_group = excluded.cluster_group,
    value = excluded.value,
    source = excluded.source,
    live = excluded.live,
    apply_type = excluded.apply_type,
    set_in = CASE WHEN kept.recorded_at > excluded.recorded_at THEN kept.set_in ELSE excluded.set_in END,
    set_to = CASE WHEN kept.recorded_at > excluded.recorded_at THEN kept.set_to ELSE excluded.set_to END,
    recorded_at = excluded.recorded_at
WHERE kept.recorded_at > excluded.recorded_at;
