-- Give the lease back, if it is still this owner's. Also the cure for a lease that a dead run left.
-- Runs on:    source, in the database postgres; safe to re-run.
-- Needs:      DELETE on pgcdc.lease.                     Undo: take_lease.sql
-- Reads:      nothing; deletes one row of pgcdc.lease
-- Source:     https://www.postgresql.org/docs/current/sql-delete.html
DELETE FROM pgcdc.lease WHERE cluster = %(cluster)s AND owner = %(owner)s RETURNING owner;
