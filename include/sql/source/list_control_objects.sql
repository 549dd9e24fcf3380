-- List what is in our schema.
-- Runs on:    source or target, any database; read only.
-- Needs:      nothing beyond CONNECT.                    Undo: not needed
-- Reads:      pg_namespace, pg_depend, pg_class
-- Source:     https://www.postgresql.org/docs/current/catalog-pg-depend.html
-- Why:        no row: there is no such schema; a row without a name: it is empty. Sequences that belong to a table go
--             with it, and are not listed.
SELECT
    pg_get_userbyid(space.nspowner)::text AS owner,
    rel.relname::text AS table_name,
    CASE WHEN held.objid IS NOT NULL THEN pg_describe_object(held.classid, held.objid, 0) END AS described
FROM pg_namespace AS space
LEFT JOIN pg_depend AS held
    ON held.refclassid = 'pg_namespace'::regclass AND held.refobjid = space.oid AND held.deptype = 'n'
    AND NOT EXISTS (
        SELECT FROM pg_depend AS owned
        WHERE owned.classid = 'pg_class'::regclass AND owned.objid = held.objid
          AND owned.refclassid = 'pg_class'::regclass AND owned.deptype IN ('a', 'i')
    )
LEFT JOIN pg_class AS rel ON held.classid = 'pg_class'::regclass AND rel.oid = held.objid AND rel.relkind = 'r'
WHERE space.nspname = 'pgcdc'
ORDER BY 2, 3;
