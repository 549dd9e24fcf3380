-- List the nodes, replication sets and subscriptions of pglogical, without those that every node has.
-- Runs on:    source, in the database of the migration, where pglogical is; read only.
-- Needs:      SELECT on the tables of schema pglogical.   Undo: not needed
-- Reads:      pglogical.node, pglogical.replication_set, pglogical.subscription
-- Source:     https://github.com/2ndQuadrant/pglogical/blob/REL2_x_STABLE/docs/README.md
SELECT 'node' AS kind, node_name::text AS name FROM pglogical.node
UNION ALL
SELECT 'replication set', set_name::text FROM pglogical.replication_set
WHERE set_name NOT IN ('default', 'default_insert_only', 'ddl_sql')
UNION ALL
SELECT 'subscription', sub_name::text FROM pglogical.subscription
ORDER BY 1, 2;
