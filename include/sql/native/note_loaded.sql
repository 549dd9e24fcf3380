-- Note that every table is loaded as of the snapshot: its keeper lets go of it then.
-- Runs on:    source; safe to re-run.
-- Needs:      UPDATE on pgcdc_native.snapshot.
-- Reads:      nothing; writes one row of pgcdc_native.snapshot
-- Source:     https://www.postgresql.org/docs/current/sql-update.html
UPDATE pgcdc_native.snapshot
SET loaded_at = clock_timestamp()
WHERE migration = %(migration)s AND consistent_point = %(consistent_point)s::pg_lsn AND loaded_at IS NULL;
