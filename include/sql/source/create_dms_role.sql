-- Make the role that DMS logs in as. Its password is given as a SCRAM verifier, so that it is in no log.
-- Runs on:    source, once per cluster.
-- Needs:      CREATEROLE.                                Undo: drop_dms_role.sql
-- Creates:    a role with LOGIN; its comment says which migration made it
-- Source:     https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Source.PostgreSQL.html
CREATE ROLE {role} LOGIN PASSWORD {verifier};
COMMENT ON ROLE {role} IS {mark};
