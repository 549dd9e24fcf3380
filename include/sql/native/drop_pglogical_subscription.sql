-- Drop a subscription of pglogical, with its slot on the source where that can be reached; its tables stay.
-- Runs on:    target, in the database of the migration; safe to re-run.
-- Needs:      EXECUTE on pglogical.drop_subscription.         Undo: create_pglogical_subscription.sql
-- Drops:      one subscription
-- Source:     https://github.com/2ndQuadrant/pglogical/blob/REL2_x_STABLE/docs/README.md
SELECT pglogical.drop_subscription(%(name)s, true);
