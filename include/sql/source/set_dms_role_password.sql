-- Let the DMS role log in with the wanted password, given as a SCRAM verifier, so that it is in no log.
-- Runs on:    source, when a login with the wanted password was refused.
-- Needs:      CREATEROLE, from PostgreSQL 16 on ADMIN on the role.   Undo: not possible, the old one is not known
-- Reads:      nothing; changes the role's login
-- Source:     https://www.postgresql.org/docs/current/sql-alterrole.html
ALTER ROLE {role} LOGIN PASSWORD {verifier};
