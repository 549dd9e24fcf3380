-- List the publications of the database, and whether the ledger of slots and pglogical are in it.
-- Runs on:    source, each database with a logical slot or a migration; read only.
-- Needs:      nothing beyond CONNECT.                    Undo: not needed
-- Reads:      pg_publication, pg_class
-- Source:     https://www.postgresql.org/docs/current/catalog-pg-publication.html
SELECT
    ARRAY(SELECT pubname::text FROM pg_publication ORDER BY 1) AS publications,
    to_regclass('pgcdc.slot_owner') IS NOT NULL AS has_ledger,
    EXISTS (SELECT FROM pg_extension WHERE extname = 'pglogical') AS has_pglogical;
