-- Grant the DMS role a membership: rds_replication to read a slot, rds_superuser to make its own objects.
-- Runs on:    source, once per cluster; safe to re-run.
-- Needs:      ADMIN on the granted role.                 Undo: drop_dms_role.sql
-- Reads:      nothing; changes pg_auth_members
-- Source:     https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Source.PostgreSQL.html
GRANT {granted} TO {role};
