-- List the replication origins by name: pglogical names the origin of a subscription after its slot.
-- Runs on:    target, any database; read only.
-- Needs:      nothing beyond CONNECT.                    Undo: not needed
-- Reads:      pg_replication_origin
-- Source:     https://www.postgresql.org/docs/current/catalog-pg-replication-origin.html
SELECT roname::text AS name FROM pg_replication_origin ORDER BY 1;
