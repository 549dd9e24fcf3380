-- Let a subscription of pglogical that was disabled go on, at once.
-- Runs on:    target, in the database of the migration; safe to re-run.
-- Needs:      EXECUTE on pglogical.alter_subscription_enable.     Undo: pglogical.alter_subscription_disable
-- Reads:      nothing; changes one subscription
-- Source:     https://github.com/2ndQuadrant/pglogical/blob/REL2_x_STABLE/docs/README.md
SELECT pglogical.alter_subscription_enable(%(name)s, true);
