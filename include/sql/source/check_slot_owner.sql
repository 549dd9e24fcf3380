-- Tell whether the ledger of replication slots is there.
-- Runs on:    source; changes nothing.
-- Needs:      CONNECT.
-- Reads:      pg_class
-- Source:     https://www.postgresql.org/docs/current/functions-info.html
SELECT to_regclass('pgcdc.slot_owner') IS NOT NULL AS made;
