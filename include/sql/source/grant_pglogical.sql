-- Let the DMS role use pglogical: it makes its own node and replication sets.
-- Runs on:    source, in the database of the migration, after install_pglogical.sql; safe to re-run.
-- Needs:      ownership of the extension.                Undo: drop_pglogical.sql
-- Reads:      nothing; changes the rights on schema pglogical
-- Source:     https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Source.PostgreSQL.html
GRANT USAGE ON SCHEMA pglogical TO {role};
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA pglogical TO {role};
GRANT SELECT ON ALL TABLES IN SCHEMA pglogical TO {role};
