-- Make the node of pglogical that every database it replicates from or to has, without its password being seen.
-- Runs on:    source or target, in the database of the migration, in a session started with the settings below.
-- Needs:      EXECUTE on pglogical.create_node.               Undo: drop_pglogical_node.sql
-- Creates:    one node, with the address at which the server's own workers find this database
-- Source:     https://github.com/2ndQuadrant/pglogical/blob/REL2_x_STABLE/docs/README.md
-- Why:        create_pglogical_subscription.sql says why the address comes by a setting and no error is let through.
DO $create$
DECLARE
    code text;
BEGIN
    BEGIN
        PERFORM pglogical.create_node(
            current_setting('pgcdc.node')::name, convert_from(decode(current_setting('pgcdc.connection'), 'hex'), 'UTF8')
        );
    EXCEPTION WHEN OTHERS THEN
        code := SQLSTATE;
    END;
    IF code IS NOT NULL THEN
        RAISE EXCEPTION USING MESSAGE = 'the node was not made', ERRCODE = code;
    END IF;
END
$create$;
