-- Remove one of the tables that DMS keeps for itself.
-- Runs on:    target, in the database of the migration, when no task writes there any more; safe to re-run.
-- Needs:      ownership of the table.                    Undo: not needed, DMS makes it
-- Drops:      a table awsdms_*
-- Source:     https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Tasks.CustomizingTasks.TaskSettings.ControlTable.html
DROP TABLE IF EXISTS {schema}.{table};
