-- Drop a subscription. Its slot, which it did not make, stays.
-- Runs on:    target, in the database of the migration; safe to re-run.
-- Needs:      ownership of the subscription.             Undo: set_subscription.sql
-- Drops:      one subscription with its replication origin
-- Source:     https://www.postgresql.org/docs/current/sql-dropsubscription.html
-- Why:        with a slot name it would connect to the source and drop the slot there, or fail when that is away.
ALTER SUBSCRIPTION {subscription} DISABLE;
ALTER SUBSCRIPTION {subscription} SET (slot_name = NONE);
DROP SUBSCRIPTION IF EXISTS {subscription};
