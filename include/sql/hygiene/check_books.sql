-- Tell which tables of slot hygiene are there, and whether the server takes no writes.
-- Runs on:    source, in the database postgres; read only.
-- Needs:      nothing beyond CONNECT.                    Undo: not needed
-- Reads:      pg_class
-- Source:     https://www.postgresql.org/docs/current/functions-info.html
SELECT
    to_regclass('pgcdc.slot_watch') IS NOT NULL AS slot_watch,
    to_regclass('pgcdc.slot_observation') IS NOT NULL AS slot_observation,
    pg_is_in_recovery() AS in_recovery;
