-- Read who and what the server is.
-- Runs on:    source or target, any database; read only.
-- Needs:      nothing beyond CONNECT.                    Undo: not needed
-- Reads:      pg_roles, pg_control_system, pg_stat_replication
-- Source:     https://www.postgresql.org/docs/current/functions-info.html
-- Why:        the system identifier is left empty where pg_control_system may not be called, instead of failing.
SELECT
    current_setting('server_version_num')::integer AS version_num,
    pg_is_in_recovery() AS in_recovery,
    current_user::text AS "current_user",
    pg_postmaster_start_time()::text AS postmaster_started,
    CASE
        WHEN has_function_privilege('pg_catalog.pg_control_system()', 'execute')
        THEN (SELECT control.system_identifier::text FROM pg_control_system() AS control)
        ELSE ''
    END AS system_identifier,
    (SELECT count(*)::integer FROM pg_stat_replication) AS wal_senders_used,
    array(
        SELECT role.rolname::text FROM pg_roles AS role WHERE pg_has_role(role.oid, 'member') ORDER BY 1
    ) AS admin_roles,
    array(
        SELECT space.nspname::text FROM pg_namespace AS space
        WHERE space.nspname !~ '^pg_' AND space.nspname <> 'information_schema'
        ORDER BY 1
    ) AS schemas,
    array(SELECT evtname::text FROM pg_event_trigger ORDER BY 1) AS event_triggers,
    array(SELECT name::text FROM pg_available_extensions ORDER BY 1) AS available_extensions,
    array(SELECT extname::text FROM pg_extension ORDER BY 1) AS installed_extensions;
