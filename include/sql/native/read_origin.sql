-- Read how far a subscription has applied, as its replication origin remembers it.
-- Runs on:    target, in the database of the migration; changes nothing.
-- Needs:      pg_monitor, or superuser before 15.        Undo: not needed
-- Reads:      pg_replication_origin_status, pg_subscription
-- Source:     https://www.postgresql.org/docs/current/view-pg-replication-origin-status.html
SELECT origin.external_id, origin.remote_lsn::text AS remote_lsn, origin.local_lsn::text AS local_lsn
FROM pg_replication_origin_status AS origin
WHERE origin.external_id = %(origin)s;
