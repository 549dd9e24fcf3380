-- Read the marker as it was written.
-- Runs on:    source; changes nothing.
-- Needs:      SELECT on pgcdc.marker.
-- Reads:      pgcdc.marker
-- Source:     https://www.postgresql.org/docs/current/sql-select.html
SELECT token, stream, seen_seconds FROM pgcdc.marker WHERE migration = %(migration)s;
