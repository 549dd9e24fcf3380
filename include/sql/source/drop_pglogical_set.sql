-- Drop one replication set of pglogical; its tables stay.
-- Runs on:    source, in the database of the migration; safe to re-run.
-- Needs:      EXECUTE on pglogical.drop_replication_set.  Undo: not needed, DMS makes its sets
-- Drops:      a replication set
-- Source:     https://github.com/2ndQuadrant/pglogical/blob/REL2_x_STABLE/docs/README.md
SELECT pglogical.drop_replication_set(%(name)s, true);
