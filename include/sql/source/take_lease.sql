-- Take the lease if it is free, expired, or ours: one statement, so that of two contenders one gets it.
-- Runs on:    source, in the database postgres; safe to re-run.
-- Needs:      INSERT and UPDATE on pgcdc.lease.          Undo: release_lease.sql
-- Reads:      nothing; writes one row of pgcdc.lease. No row comes back when somebody else has it.
-- Source:     https://www.postgresql.org/docs/current/sql-insert.html
INSERT INTO pgcdc.lease AS held (cluster, owner, taken_at, expires_at)
VALUES (%(cluster)s, %(owner)s, clock_timestamp(), clock_timestamp() + make_interval(mins => %(minutes)s))
ON CONFLICT (cluster) DO UPDATE
    SET owner = excluded.owner, taken_at = excluded.taken_at, expires_at = excluded.expires_at
    WHERE held.expires_at < clock_timestamp() OR held.owner = excluded.owner
RETURNING expires_at::text;
