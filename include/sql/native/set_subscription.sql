-- Make a disabled subscription of a slot that is made apart, without its password being seen anywhere.
-- Runs on:    target, in the database of the migration, in a session that was started with the settings below.
-- Needs:      superuser, rds_superuser, or from 16 on pg_create_subscription.        Undo: drop_subscription.sql
-- Creates:    one subscription, disabled, without a slot of its own; its tables are marked as loaded
-- Source:     https://www.postgresql.org/docs/current/sql-createsubscription.html
-- Why:        the statement's text, its bound values and the context of an error all go to logs, and the text to
--             pg_stat_activity. A setting given when the session starts goes to neither, and an error that is caught
--             is not logged: what is raised instead has its code, and the server's words only where these are libpq's about
--             the network or the login. connect stays true: that lists the tables, and proves that the target
--             reaches the source. Extensions that note statements inside of blocks are told not to, as far as the
--             login may tell them.
DO $create$
DECLARE
    code text;
    answer text;
    listener text;
BEGIN
    FOREACH listener IN ARRAY ARRAY['pg_stat_statements.track', 'pgaudit.log'] LOOP
        BEGIN
            PERFORM set_config(listener, 'none', true);
        EXCEPTION WHEN OTHERS THEN
            NULL;
        END;
    END LOOP;
    BEGIN
        EXECUTE format(
            'CREATE SUBSCRIPTION %I CONNECTION %L PUBLICATION %I WITH (connect = true, enabled = false,'
            ' create_slot = false, copy_data = false, slot_name = %L)',
            current_setting('pgcdc.subscription'),
            convert_from(decode(current_setting('pgcdc.connection'), 'hex'), 'UTF8'),
            current_setting('pgcdc.publication'),
            current_setting('pgcdc.slot')
        );
    EXCEPTION WHEN OTHERS THEN
        code := SQLSTATE;
        answer := CASE WHEN SQLSTATE LIKE '08%' THEN SQLERRM ELSE 'the subscription was not made' END;
    END;
    IF code IS NOT NULL THEN
        RAISE EXCEPTION USING MESSAGE = answer, ERRCODE = code;
    END IF;
END
$create$;
