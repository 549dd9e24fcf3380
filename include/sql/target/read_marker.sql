-- Read the marker as it arrived.
-- Runs on:    target; changes nothing.
-- Needs:      SELECT on pgcdc.marker, which DMS makes there.
-- Reads:      pgcdc.marker
-- Source:     https://www.postgresql.org/docs/current/sql-select.html
SELECT token FROM pgcdc.marker WHERE migration = %(migration)s;
