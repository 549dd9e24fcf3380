-- Record a table as loaded, in the transaction that loads it.
-- Runs on:    target.
-- Needs:      INSERT and UPDATE on pgcdc_native.loaded_table.
-- Reads:      nothing; writes one row of pgcdc_native.loaded_table
-- Source:     https://www.postgresql.org/docs/current/sql-insert.html
INSERT INTO pgcdc_native.loaded_table (
    migration, schema_name, table_name, consistent_point, rows, bytes, seconds
)
VALUES (
    %(migration)s, %(schema)s, %(table)s, %(consistent_point)s::pg_lsn, %(rows)s, %(bytes)s, %(seconds)s
)
ON CONFLICT (migration, schema_name, table_name) DO UPDATE
SET consistent_point = excluded.consistent_point,
    rows = excluded.rows,
    bytes = excluded.bytes,
    seconds = excluded.seconds,
    loaded_at = clock_timestamp();
