-- Count the infinite values of each date and timestamp column of one table.
-- Runs on:    source, in the database of the migration; read only. Reads the whole table: only on request.
-- Needs:      SELECT on the table.                       Undo: not needed
-- Reads:      the table itself
-- Source:     https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Source.PostgreSQL.html
-- Why:        DMS moves infinity as a finite date without a word. One pass over the table for all of its columns.
SELECT {counts} FROM {relation};
