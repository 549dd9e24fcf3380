-- Read what marks the DMS role. No row: there is no such role.
-- Runs on:    source, any database; read only.
-- Needs:      nothing beyond CONNECT.                    Undo: not needed
-- Reads:      pg_roles, pg_shdescription
-- Source:     https://www.postgresql.org/docs/current/functions-info.html
SELECT shobj_description(role.oid, 'pg_authid') AS comment FROM pg_roles AS role WHERE role.rolname = %(role)s;
