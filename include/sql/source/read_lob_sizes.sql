-- Read the largest value of each LOB column of one table, in bytes as DMS counts them for LobMaxSize.
-- Runs on:    source, in the database of the migration; read only. Reads the whole table: only on request.
-- Needs:      SELECT on the table.                       Undo: not needed
-- Reads:      the table itself
-- Source:     https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Source.PostgreSQL.html
-- Why:        DMS counts a character of text or JSON as two bytes, and as four if the value has any that UTF-8 writes
--             with four.
SELECT found.name, max(
    coalesce(
        found.bytes,
        length(found.content) * CASE
            WHEN octet_length(found.content) > length(found.content) + 2
                AND found.content ~ '[\U00010000-\U0010FFFF]' THEN 4
            ELSE 2
        END
    )
)::bigint AS bytes
FROM {relation} CROSS JOIN LATERAL unnest(
    ARRAY[{names}]::text[], ARRAY[{contents}]::text[], ARRAY[{lengths}]::integer[]
) AS found (name, content, bytes)
GROUP BY 1;
