-- Read what surrounds the slots: databases, sessions that stream, subscriptions of this server, and what else it has.
-- Runs on:    source, database postgres, PostgreSQL 13 and later, a standby too; read only.
-- Needs:      pg_read_all_stats (in rds_superuser), else other roles' sessions are not seen.     Undo: not needed
-- Reads:      pg_database, pg_stat_replication, pg_subscription, pg_proc
-- Source:     https://www.postgresql.org/docs/current/monitoring-stats.html
SELECT
    ARRAY(
        SELECT datname::text FROM pg_database WHERE datallowconn AND NOT datistemplate ORDER BY 1
    ) AS databases,
    coalesce(
        has_function_privilege(to_regprocedure('aurora_stat_logical_wal_cache()'), 'execute'), false
    ) AS has_cache,
    has_function_privilege('pg_show_replication_origin_status()', 'execute')
        AND has_table_privilege('pg_replication_origin_status', 'select') AS may_read_origins,
    (
        SELECT coalesce(json_agg(json_build_object(
            'pid', pid, 'name', application_name, 'role', usename, 'client', host(client_addr), 'state', state
        ) ORDER BY pid), '[]')
        FROM pg_stat_replication
    ) AS walsenders,
    ARRAY(
        SELECT format('%s/%s slot %s%s', datname, subname, coalesce(subslotname, 'none'),
            CASE WHEN subenabled THEN '' ELSE ' (disabled)' END)
        FROM pg_subscription JOIN pg_database ON pg_database.oid = subdbid
        ORDER BY 1
    ) AS subscriptions;
