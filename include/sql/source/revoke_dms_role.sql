-- Take from the DMS role what it may do in one schema: the role stays for another database.
-- Runs on:    source, in the database of the migration; safe to re-run.
-- Needs:      what granted it: ownership, or membership in the owner.            Undo: not needed, a migration grants anew
-- Reads:      nothing; changes the rights on a schema and all in it
-- Source:     https://www.postgresql.org/docs/current/sql-revoke.html
-- Why:        not DROP OWNED, which would revoke CONNECT on the other database too.
REVOKE ALL ON ALL TABLES IN SCHEMA {schema} FROM {role};
REVOKE ALL ON ALL SEQUENCES IN SCHEMA {schema} FROM {role};
REVOKE ALL ON ALL ROUTINES IN SCHEMA {schema} FROM {role};
REVOKE ALL ON SCHEMA {schema} FROM {role};
