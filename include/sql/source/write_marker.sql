-- Write a new marker, to be looked for on the target.
-- Runs on:    source, once per start of the task.
-- Needs:      INSERT and UPDATE on pgcdc.marker.
-- Reads:      nothing; writes one row of pgcdc.marker
-- Source:     https://www.postgresql.org/docs/current/sql-insert.html
INSERT INTO pgcdc.marker AS old (migration, token, stream, written_at, seen_seconds)
VALUES (%(migration)s, %(token)s, %(stream)s, clock_timestamp(), NULL)
ON CONFLICT (migration) DO UPDATE
SET token = excluded.token, stream = excluded.stream, written_at = excluded.written_at, seen_seconds = NULL;
