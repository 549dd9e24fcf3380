-- Make a subscription of pglogical, which copies the rows by itself, without its password being seen anywhere.
-- Runs on:    target, in the database of the migration, in a session that was started with the settings below.
-- Needs:      EXECUTE on pglogical.create_subscription.       Undo: drop_pglogical_subscription.sql
-- Creates:    one subscription, enabled; its worker makes the slot on the source and copies
-- Source:     https://github.com/2ndQuadrant/pglogical/blob/REL2_x_STABLE/docs/README.md
-- Why:        bound values go to logs as a statement's text does; a setting given when the session starts does not. The
--             detail of pglogical's own errors is its whole DSN: an error that is caught is not logged, and what is
--             raised instead has only the server's words about the network or the login.
DO $create$
DECLARE
    code text;
    answer text;
BEGIN
    BEGIN
        PERFORM pglogical.create_subscription(
            subscription_name := current_setting('pgcdc.subscription')::name,
            provider_dsn := convert_from(decode(current_setting('pgcdc.connection'), 'hex'), 'UTF8'),
            replication_sets := ARRAY[current_setting('pgcdc.publication')],
            synchronize_structure := false,
            synchronize_data := true,
            forward_origins := '{all}'
        );
    EXCEPTION WHEN OTHERS THEN
        code := SQLSTATE;
        answer := CASE WHEN SQLERRM LIKE 'could not connect%' THEN split_part(SQLERRM, E'\n', 1)
            ELSE 'the subscription was not made' END;
    END;
    IF code IS NOT NULL THEN
        RAISE EXCEPTION USING MESSAGE = answer, ERRCODE = code;
    END IF;
END
$create$;
