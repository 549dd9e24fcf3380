-- Identify the server, whatever it is called from outside; empty where that may not be asked.
-- Runs on:    source, any database; read only.
-- Needs:      nothing beyond CONNECT.                    Undo: not needed
-- Reads:      pg_control_system, pg_class
-- Source:     https://www.postgresql.org/docs/current/functions-info.html
SELECT
    CASE
        WHEN has_function_privilege('pg_catalog.pg_control_system()', 'EXECUTE')
        THEN (SELECT control.system_identifier::text FROM pg_control_system() AS control)
        ELSE ''
    END AS system_identifier,
    EXISTS (
        SELECT FROM pg_class AS rel JOIN pg_namespace AS space ON space.oid = rel.relnamespace
        WHERE space.nspname = 'pgcdc' AND rel.relname = 'lease'
    ) AS has_lease_table;
