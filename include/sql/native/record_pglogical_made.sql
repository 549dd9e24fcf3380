-- Record an object of pglogical as made by a migration: pglogical's objects take no comment.
-- Runs on:    source or target, in the transaction that makes the object, or before it; safe to re-run.
-- Needs:      INSERT on pgcdc_native.pglogical_made.          Undo: forget_books.sql
-- Reads:      nothing; writes one row of pgcdc_native.pglogical_made
-- Source:     https://www.postgresql.org/docs/current/sql-insert.html
INSERT INTO pgcdc_native.pglogical_made (migration, kind, name) VALUES (%(migration)s, %(kind)s, %(name)s)
ON CONFLICT DO NOTHING;
