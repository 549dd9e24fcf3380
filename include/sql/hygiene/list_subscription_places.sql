-- List where the native subscriptions of the server read from: host, port and database, nothing else of the string.
-- Runs on:    target, any database; read only.
-- Needs:      SELECT on pg_subscription.subconninfo: superusers have it, on RDS nobody does.      Undo: not needed
-- Reads:      pg_subscription, pg_database
-- Source:     https://www.postgresql.org/docs/current/catalog-pg-subscription.html
SELECT
    datname::text AS database, subname::text AS name,
    substring(subconninfo FROM '\mhost\s*=\s*''?([^\s'']+)') AS host,
    substring(subconninfo FROM '\mport\s*=\s*''?(\d+)') AS port,
    substring(subconninfo FROM '\mdbname\s*=\s*''?([^\s'']+)') AS source_database
FROM pg_subscription JOIN pg_database ON pg_database.oid = subdbid;
