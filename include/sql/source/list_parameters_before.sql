-- List the values that a migration's parameters had before it changed them.
-- Runs on:    source; changes nothing.
-- Needs:      SELECT on pgcdc.parameter_before.
-- Reads:      pgcdc.parameter_before
-- Source:     https://www.postgresql.org/docs/current/sql-select.html
SELECT name, group_name, cluster_group, value, source, live, apply_type, set_in, set_to, recorded_at::text
FROM pgcdc.parameter_before AS before
WHERE migration = %(migration)s
ORDER BY before.recorded_at, name;
