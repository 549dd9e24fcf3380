-- Drop the node of pglogical of this database; refused while it has replication sets in use or subscriptions.
-- Runs on:    source or target, in the database of the migration; safe to re-run.
-- Needs:      EXECUTE on pglogical.drop_node.                 Undo: create_pglogical_node.sql
-- Drops:      one node, and its replication sets
-- Source:     https://github.com/2ndQuadrant/pglogical/blob/REL2_x_STABLE/docs/README.md
SELECT pglogical.drop_node(%(name)s, true);
