-- Read a subscription of pglogical, its worker, and how far its copy is.
-- Runs on:    target, a database with pglogical; read only.
-- Needs:      USAGE on schema pglogical, SELECT on its tables, EXECUTE on show_subscription_status.  Undo: not needed
-- Reads:      pglogical.subscription, pglogical.local_sync_status, pg_stat_activity
-- Source:     https://github.com/2ndQuadrant/pglogical/blob/REL2_x_STABLE/docs/README.md
-- Why:        show_subscription_status has the DSN with its password: its status alone is taken. sync is the phase of the
--             whole copy: i before it, s, d and c during it, r after it.
SELECT
    sub.sub_id::bigint AS oid, sub.sub_enabled AS enabled, sub.sub_slot_name::text AS slot_name,
    sub.sub_replication_sets AS publications, shown.status,
    coalesce(whole.sync_status::text, 'r') AS sync,
    (SELECT count(*)::integer FROM pglogical.local_sync_status AS one
        WHERE one.sync_subid = sub.sub_id AND one.sync_relname IS NOT NULL) AS tables,
    (SELECT count(*)::integer FROM pglogical.local_sync_status AS one
        WHERE one.sync_subid = sub.sub_id AND one.sync_relname IS NOT NULL AND one.sync_status NOT IN ('y', 'r'))
        AS tables_not_ready,
    (SELECT act.pid FROM pg_stat_activity AS act
        WHERE act.backend_type LIKE 'pglogical apply %%:' || sub.sub_id LIMIT 1) AS worker_pid
FROM pglogical.subscription AS sub
LEFT JOIN LATERAL pglogical.show_subscription_status(sub.sub_name) AS shown ON true
LEFT JOIN pglogical.local_sync_status AS whole ON whole.sync_subid = sub.sub_id AND whole.sync_relname IS NULL
WHERE sub.sub_name = %(name)s;
