-- Tell whether the marker table is there and the DMS role may read it.
-- Runs on:    source; changes nothing.
-- Needs:      CONNECT.
-- Reads:      pg_class, pg_namespace
-- Source:     https://www.postgresql.org/docs/current/functions-info.html
SELECT
    to_regclass('pgcdc.marker') IS NOT NULL AS made,
    coalesce(
        has_schema_privilege(%(role)s::name, to_regnamespace('pgcdc')::oid, 'USAGE')
        AND has_table_privilege(%(role)s::name, to_regclass('pgcdc.marker')::oid, 'SELECT'),
        false
    ) AS readable;
