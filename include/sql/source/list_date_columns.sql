-- List the columns that can hold infinity: dates and timestamps, of domains too.
-- Runs on:    source, in the database of the migration; read only. Only where dates are to be measured.
-- Needs:      nothing beyond CONNECT.                    Undo: not needed
-- Reads:      pg_class, pg_attribute, pg_type
-- Source:     https://www.postgresql.org/docs/current/datatype-datetime.html
-- Why:        a domain has the output function of the type that it is made of, however many lie between.
SELECT space.nspname::text AS schema, rel.relname::text AS "table", att.attname::text AS name
FROM pg_attribute AS att
JOIN pg_class AS rel ON rel.oid = att.attrelid
JOIN pg_namespace AS space ON space.oid = rel.relnamespace
JOIN pg_type AS type ON type.oid = att.atttypid
WHERE att.attnum > 0 AND NOT att.attisdropped
  AND rel.relkind = 'r' AND rel.relpersistence <> 't'
  AND space.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
  AND type.typoutput = ANY ('{date_out,timestamp_out,timestamptz_out}'::regproc[]::oid[])
ORDER BY 1, 2, att.attnum;
