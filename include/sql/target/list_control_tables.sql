-- List the tables that DMS keeps for itself.
-- Runs on:    target, in the database of the migration; read only.
-- Needs:      nothing beyond CONNECT.                    Undo: not needed
-- Reads:      pg_class, pg_namespace, pg_proc
-- Source:     https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Tasks.CustomizingTasks.TaskSettings.ControlTable.html
-- Why:        DMS made what its login owns. A table of the DDL audit beside its function is not a copy: it serves a
--             migration that has this database as its source.
SELECT
    space.nspname::text AS schema,
    rel.relname::text AS name,
    rel.relowner = current_user::regrole AS made_by_login,
    pg_get_userbyid(rel.relowner)::text AS owner,
    EXISTS (
        SELECT FROM pg_proc AS fun WHERE fun.pronamespace = space.oid AND fun.proname = 'awsdms_intercept_ddl'
    ) AS beside_function
FROM pg_class AS rel JOIN pg_namespace AS space ON space.oid = rel.relnamespace
WHERE space.nspname = ANY (%(schemas)s) AND rel.relname = ANY (%(names)s) AND rel.relkind IN ('r', 'p')
ORDER BY 1, 2;
