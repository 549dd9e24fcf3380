-- Make the table whose one row per migration proves that changes arrive on the target.
-- Runs on:    source, once per database, before the task starts; safe to re-run.
-- Needs:      schema pgcdc (create_control_schema.sql) and CREATE on it.        Undo: drop_marker.sql
-- Creates:    table pgcdc.marker
-- Source:     https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Source.PostgreSQL.html
-- Why:        varchar, for DMS moves text as a LOB, and replicates no table with a LOB in its key.
--             CDCLatencySource drops to 0 when there is nothing to read; only a row that arrives is proof.
--             stream is the start of the task that the row was written for: a full load copies old rows too.
CREATE TABLE IF NOT EXISTS pgcdc.marker (
    migration     varchar(63) PRIMARY KEY,
    token         varchar(64) NOT NULL,
    stream        varchar(200) NOT NULL,
    written_at    timestamptz NOT NULL,
    seen_seconds  double precision
);
