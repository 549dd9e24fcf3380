-- List the replication origins: how far this server has applied what others sent it.
-- Runs on:    source, any database; read only.
-- Needs:      EXECUTE on pg_show_replication_origin_status().      Undo: not needed
-- Reads:      pg_replication_origin_status
-- Source:     https://www.postgresql.org/docs/current/view-pg-replication-origin-status.html
SELECT format('%s at %s', external_id, coalesce(remote_lsn::text, 'no position')) AS origin
FROM pg_replication_origin_status
ORDER BY external_id;
