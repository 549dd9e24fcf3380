-- Add a table to a replication set; of the marker only the migration's own row.
-- Runs on:    source, in the database of the migration.
-- Needs:      EXECUTE on pglogical.replication_set_add_table. Undo: drop_pglogical_table.sql
-- Reads:      nothing; changes one replication set
-- Source:     https://github.com/2ndQuadrant/pglogical/blob/REL2_x_STABLE/docs/README.md
-- Why:        format() writes the name of the table: a text with a dot in it would be read as schema and table.
SELECT pglogical.replication_set_add_table(
    set_name := %(name)s, relation := format('%%I.%%I', %(schema)s::text, %(table)s::text)::regclass,
    synchronize_data := false, row_filter := %(filter)s
);
