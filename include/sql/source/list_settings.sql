-- List the settings in force, as SHOW prints them and in their own unit.
-- Runs on:    source or target, any database; read only.
-- Needs:      pg_read_all_settings for the hidden ones.   Undo: not needed
-- Reads:      pg_settings
-- Source:     https://www.postgresql.org/docs/current/view-pg-settings.html
-- Why:        placeholders such as rds.logical_replication are in force without being in pg_settings.
SELECT name, current_setting(name, true) AS value, setting AS raw
FROM pg_settings
UNION
SELECT name, current_setting(name, true), current_setting(name, true)
FROM unnest(array['rds.logical_replication', 'rds.force_ssl', 'rds.logical_wal_cache']) AS name
WHERE current_setting(name, true) IS NOT NULL;
