-- Remove the table in which DMS beats, so that the slot of an idle database moves on.
-- Runs on:    source, in the database of the migration, when its task is deleted; safe to re-run.
-- Needs:      ownership of the table.                    Undo: not needed, DMS makes it
-- Drops:      table awsdms_heartbeat
-- Source:     https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Source.PostgreSQL.html
DROP TABLE IF EXISTS {schema}.awsdms_heartbeat;
