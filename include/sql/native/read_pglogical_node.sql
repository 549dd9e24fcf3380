-- Read the node of this database, and how many subscriptions and other replication sets it has.
-- Runs on:    source or target, a database with pglogical; read only.
-- Needs:      USAGE on schema pglogical and SELECT on its tables.  Undo: not needed
-- Reads:      pglogical.local_node, pglogical.node, pglogical.replication_set, pglogical.subscription
-- Source:     https://github.com/2ndQuadrant/pglogical/blob/REL2_x_STABLE/docs/README.md
SELECT
    (SELECT node_name::text FROM pglogical.node JOIN pglogical.local_node USING (node_id)) AS node,
    ARRAY(SELECT sub_name::text FROM pglogical.subscription ORDER BY 1) AS subscriptions,
    ARRAY(
        SELECT set_name::text FROM pglogical.replication_set
        WHERE set_name NOT IN ('default', 'default_insert_only', 'ddl_sql') ORDER BY 1
    ) AS sets;
