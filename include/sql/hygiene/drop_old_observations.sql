-- Remove what was observed before a moment.
-- Runs on:    source, in the database postgres; safe to re-run.
-- Needs:      DELETE on pgcdc.slot_observation.          Undo: not needed
-- Drops:      rows of pgcdc.slot_observation
-- Source:     https://www.postgresql.org/docs/current/sql-delete.html
DELETE FROM pgcdc.slot_observation WHERE observed_at < to_timestamp(%(before)s);
