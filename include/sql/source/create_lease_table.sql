-- Make the table of the lease: one row says which run is changing this cluster.
-- Runs on:    source, in the database postgres, after create_control_schema.sql; safe to re-run.
-- Needs:      CREATE on schema pgcdc.                    Undo: drop_lease_table.sql
-- Creates:    table pgcdc.lease
-- Source:     https://www.postgresql.org/docs/current/sql-createtable.html
-- Why:        in postgres, so that runs for any database of the cluster see it.
CREATE TABLE IF NOT EXISTS pgcdc.lease (
    cluster     text PRIMARY KEY,
    owner       text NOT NULL,
    taken_at    timestamptz NOT NULL,
    expires_at  timestamptz NOT NULL
);
GRANT SELECT, INSERT, UPDATE, DELETE ON pgcdc.lease TO rds_superuser;
