-- Read a publication: what it publishes, and whether it carries our comment.
-- Runs on:    source, in the database of the migration; changes nothing.
-- Needs:      CONNECT.
-- Reads:      pg_publication, pg_publication_rel, pg_class, pg_namespace
-- Source:     https://www.postgresql.org/docs/current/catalog-pg-publication.html
SELECT
    pub.puballtables AS all_tables,
    obj_description(pub.oid, 'pg_publication') AS comment,
    coalesce(
        array_agg(ARRAY[space.nspname::text, rel.relname::text] ORDER BY space.nspname, rel.relname)
            FILTER (WHERE rel.oid IS NOT NULL),
        '{}'
    ) AS tables
FROM pg_publication AS pub
LEFT JOIN pg_publication_rel AS member ON member.prpubid = pub.oid
LEFT JOIN pg_class AS rel ON rel.oid = member.prrelid
LEFT JOIN pg_namespace AS space ON space.oid = rel.relnamespace
WHERE pub.pubname = %(publication)s
GROUP BY pub.oid, pub.puballtables;
