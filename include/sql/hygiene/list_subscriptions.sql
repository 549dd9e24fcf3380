-- List the native subscriptions of the server, of all its databases, with the slots they read on other servers.
-- Runs on:    target, any database, PostgreSQL 13 and later; read only.
-- Needs:      nothing beyond CONNECT.                    Undo: not needed
-- Reads:      pg_subscription, pg_database
-- Source:     https://www.postgresql.org/docs/current/catalog-pg-subscription.html
SELECT
    datname::text AS database, subname::text AS name, subslotname::text AS slot, subenabled AS enabled,
    has_column_privilege('pg_subscription', 'subconninfo', 'select') AS may_read_place
FROM pg_subscription JOIN pg_database ON pg_database.oid = subdbid
ORDER BY 1, 2;
