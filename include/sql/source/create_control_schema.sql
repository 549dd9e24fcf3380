-- Make the schema that holds what we remember: the marker, the slot ledger, old parameter values, the lease.
-- Runs on:    source, in the database of the migration and in postgres; safe to re-run.
-- Needs:      CREATE on the database.                    Undo: drop_control_schema.sql
-- Creates:    schema pgcdc
-- Source:     https://www.postgresql.org/docs/current/sql-createschema.html
-- Why:        not pg_cdc, like the package: PostgreSQL keeps every name that begins with pg_ to itself (42939).
--             Granted to rds_superuser, so that a run with another admin can go on with it.
CREATE SCHEMA IF NOT EXISTS pgcdc;
GRANT USAGE, CREATE ON SCHEMA pgcdc TO rds_superuser;
