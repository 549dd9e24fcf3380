-- List the pglogical nodes of the database, and its subscriptions with the slots they read on other servers.
-- Runs on:    source or target, a database with pglogical; read only.
-- Needs:      USAGE on schema pglogical and SELECT on its tables.      Undo: not needed
-- Reads:      pglogical.node, pglogical.subscription, pglogical.node_interface
-- Source:     https://github.com/2ndQuadrant/pglogical
-- Why:        the host and the port alone are taken from the DSN, for it may hold a password.
SELECT
    ARRAY(SELECT node_name::text FROM pglogical.node ORDER BY 1) AS nodes,
    (
        SELECT coalesce(json_agg(json_build_object(
            'name', sub_name, 'slot', sub_slot_name, 'enabled', sub_enabled,
            'host', substring(if_dsn FROM '\mhost\s*=\s*''?([^\s'']+)'),
            'port', substring(if_dsn FROM '\mport\s*=\s*''?(\d+)'),
            'source_database', substring(if_dsn FROM '\mdbname\s*=\s*''?([^\s'']+)')
        ) ORDER BY sub_name), '[]')
        FROM pglogical.subscription JOIN pglogical.node_interface ON if_id = sub_origin_if
    ) AS subscriptions;
