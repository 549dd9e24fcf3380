-- Keep the value of one parameter before it is changed for the first time.
-- Runs on:    source; safe to re-run: the first value that was recorded stays, what we set last is noted.
-- Needs:      INSERT on pgcdc.parameter_before.
-- Reads:      nothing; writes one row of pgcdc.parameter_before
-- Source:     https://www.postgresql.org/docs/current/sql-insert.html
INSERT INTO pgcdc.parameter_before (
    migration, name, group_name, cluster_group, value, source, live, apply_type, set_in, set_to
)
VALUES (
    %(migration)s, %(name)s, %(group_name)s, %(cluster_group)s, %(value)s, %(source)s, %(live)s, %(apply_type)s,
    %(set_in)s, %(set_to)s
)
ON CONFLICT (migration, name) DO UPDATE SET set_in = excluded.set_in, set_to = excluded.set_to;
