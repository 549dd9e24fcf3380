-- Count the rows that this transaction has written to the DDL audit, deleted ones too.
-- Runs on:    source, in a transaction that ran DDL; read only.
-- Needs:      nothing beyond CONNECT.                    Undo: not needed
-- Reads:      pg_class, the transaction's own statistics
-- Source:     https://www.postgresql.org/docs/current/monitoring-stats.html
-- Why:        by the catalogue: to_regclass asks for USAGE on the schema, which the admin need not have.
SELECT coalesce(sum(pg_stat_get_xact_tuples_inserted(rel.oid)), 0)::integer AS rows
FROM pg_class AS rel JOIN pg_namespace AS space ON space.oid = rel.relnamespace
WHERE space.nspname = %(schema)s AND rel.relname = 'awsdms_ddl_audit';
