-- Let the DMS role read the marker table.
-- Runs on:    source, after create_marker.sql; safe to re-run.
-- Needs:      ownership of schema and table.        Undo: drop_marker.sql
-- Creates:    USAGE on schema pgcdc, SELECT on pgcdc.marker
-- Source:     https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Source.PostgreSQL.html
GRANT USAGE ON SCHEMA pgcdc TO {role};
GRANT SELECT ON TABLE pgcdc.marker TO {role};
