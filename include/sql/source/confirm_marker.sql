-- Note how long the marker took to arrive: a rerun finds the proof and writes nothing.
-- Runs on:    source, once the target has the marker.
-- Needs:      UPDATE on pgcdc.marker.
-- Reads:      pgcdc.marker; writes seen_seconds of one row
-- Source:     https://www.postgresql.org/docs/current/sql-update.html
UPDATE pgcdc.marker
SET seen_seconds = extract(epoch FROM clock_timestamp() - written_at)
WHERE migration = %(migration)s AND token = %(token)s AND seen_seconds IS NULL;
