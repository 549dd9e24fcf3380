-- Read a subscription: what it reads, whether it is enabled, and whether it carries our comment. Not its connection.
-- Runs on:    target, in the database of the migration; changes nothing.
-- Needs:      CONNECT; pg_monitor, to see its worker.
-- Reads:      pg_subscription, pg_subscription_rel, pg_stat_subscription, pg_stat_subscription_stats
-- Source:     https://www.postgresql.org/docs/current/catalog-pg-subscription.html
-- Why:        subconninfo holds a password, and nobody but a superuser may read it.
SELECT
    sub.oid::bigint AS oid, sub.subenabled AS enabled, sub.subslotname::text AS slot_name, sub.subpublications AS publications,
    obj_description(sub.oid, 'pg_subscription') AS comment,
    (SELECT count(*)::integer FROM pg_subscription_rel AS rel WHERE rel.srsubid = sub.oid) AS tables,
    (SELECT count(*)::integer FROM pg_subscription_rel AS rel WHERE rel.srsubid = sub.oid AND rel.srsubstate <> 'r')
        AS tables_not_ready,
    stat.pid AS worker_pid, stat.received_lsn::text AS received_lsn, stat.latest_end_lsn::text AS latest_end_lsn,
    extract(epoch FROM clock_timestamp() - stat.last_msg_receipt_time)::double precision AS silent_seconds
FROM pg_subscription AS sub
JOIN pg_database AS base ON base.oid = sub.subdbid AND base.datname = current_database()
LEFT JOIN pg_stat_subscription AS stat ON stat.subid = sub.oid AND stat.relid IS NULL AND stat.pid IS NOT NULL
WHERE sub.subname = %(subscription)s;
