-- Make a replication set of pglogical: what a publication is to PostgreSQL's own replication.
-- Runs on:    source, in the database of the migration, where the node is.
-- Needs:      EXECUTE on pglogical.create_replication_set.    Undo: drop_pglogical_set.sql
-- Creates:    one replication set, without tables
-- Source:     https://github.com/2ndQuadrant/pglogical/blob/REL2_x_STABLE/docs/README.md
SELECT pglogical.create_replication_set(%(name)s);
