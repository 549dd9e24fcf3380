-- List how often decoding found WAL in Aurora's logical write-through cache, in percent for each slot.
-- Runs on:    source on Aurora PostgreSQL, any database; read only.
-- Needs:      EXECUTE on aurora_stat_logical_wal_cache(); rds_superuser has it.       Undo: not needed
-- Reads:      aurora_stat_logical_wal_cache
-- Source:     https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/aurora_stat_logical_wal_cache.html
-- Why:        hit_rate is text on some versions; the counters are numbers on all. Null: nothing was read yet.
SELECT name::text AS slot, (100.0 * cache_hit / nullif(cache_hit + cache_miss, 0))::float8 AS hit_percent
FROM aurora_stat_logical_wal_cache()
ORDER BY name;
