-- List the names of all roles, for the plan: which one would be made.
-- Runs on:    source, any database; read only.
-- Needs:      nothing beyond CONNECT.                    Undo: not needed
-- Reads:      pg_roles
-- Source:     https://www.postgresql.org/docs/current/view-pg-roles.html
SELECT rolname::text AS name FROM pg_roles ORDER BY 1;
