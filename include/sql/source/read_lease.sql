-- Read who has the lease, by the server's clock.
-- Runs on:    source, in the database postgres; read only.
-- Needs:      SELECT on pgcdc.lease.                     Undo: not needed
-- Reads:      pgcdc.lease
-- Source:     https://www.postgresql.org/docs/current/functions-datetime.html
SELECT owner, taken_at::text AS taken_at, expires_at::text AS expires_at, expires_at < clock_timestamp() AS expired
FROM pgcdc.lease
WHERE cluster = %(cluster)s;
