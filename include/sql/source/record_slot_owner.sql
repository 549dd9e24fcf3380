-- Record whose a replication slot is.
-- Runs on:    source; safe to re-run, and changes nothing where the owner is recorded already.
-- Needs:      INSERT and UPDATE on pgcdc.slot_owner.
-- Reads:      nothing; writes one row of pgcdc.slot_owner
-- Source:     https://www.postgresql.org/docs/current/sql-insert.html
INSERT INTO pgcdc.slot_owner AS old (slot_name, owner_kind, owner_id, migration, plugin, how, recorded_at)
VALUES (%(slot_name)s, %(owner_kind)s, %(owner_id)s, %(migration)s, %(plugin)s, %(how)s, clock_timestamp())
ON CONFLICT (slot_name) DO UPDATE
SET owner_kind = excluded.owner_kind,
    owner_id = excluded.owner_id,
    migration = excluded.migration,
    plugin = excluded.plugin,
    how = excluded.how,
    recorded_at = excluded.recorded_at
WHERE (old.owner_kind, old.owner_id) IS DISTINCT FROM (excluded.owner_kind, excluded.owner_id);
