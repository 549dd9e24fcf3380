-- Take a table out of a replication set.
-- Runs on:    source, in the database of the migration.
-- Needs:      EXECUTE on pglogical.replication_set_remove_table.  Undo: add_pglogical_table.sql
-- Reads:      nothing; changes one replication set
-- Source:     https://github.com/2ndQuadrant/pglogical/blob/REL2_x_STABLE/docs/README.md
SELECT pglogical.replication_set_remove_table(
    set_name := %(name)s, relation := format('%%I.%%I', %(schema)s::text, %(table)s::text)::regclass
);
