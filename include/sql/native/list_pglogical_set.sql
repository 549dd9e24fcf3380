-- List the tables of a replication set.
-- Runs on:    source, a database with pglogical; read only.
-- Needs:      USAGE on schema pglogical and SELECT on its tables.  Undo: not needed
-- Reads:      pglogical.replication_set, pglogical.replication_set_table, pg_class
-- Source:     https://github.com/2ndQuadrant/pglogical/blob/REL2_x_STABLE/docs/README.md
SELECT space.nspname::text AS schema, rel.relname::text AS table
FROM pglogical.replication_set AS found
JOIN pglogical.replication_set_table AS member USING (set_id)
JOIN pg_class AS rel ON rel.oid = member.set_reloid
JOIN pg_namespace AS space ON space.oid = rel.relnamespace
WHERE found.set_name = %(name)s
ORDER BY 1, 2;
