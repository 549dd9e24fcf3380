-- Remove pglogical from the database. The library stays preloaded: that is a parameter.
-- Runs on:    source, in the database of the migration, when no slot of it is left; safe to re-run.
-- Needs:      rds_superuser.                             Undo: install_pglogical.sql
-- Drops:      extension and schema pglogical, with its nodes and replication sets
-- Source:     https://www.postgresql.org/docs/current/sql-dropextension.html
-- Why:        the schema is made by CREATE EXTENSION and is no part of the extension: it would stay.
DROP EXTENSION IF EXISTS pglogical;
DROP SCHEMA IF EXISTS pglogical;
