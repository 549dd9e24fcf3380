-- Read whether this database subscribes to others, and when the DDL audit's event trigger fires.
-- Runs on:    source, in the database of the migration; read only.
-- Needs:      nothing beyond CONNECT.                    Undo: not needed
-- Reads:      pg_subscription, pg_event_trigger
-- Source:     https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Source.PostgreSQL.html
-- Why:        what a subscription applies fires only triggers that are enabled always.
SELECT
    (
        SELECT count(sub.oid)::integer
        FROM pg_subscription AS sub JOIN pg_database AS db ON db.oid = sub.subdbid
        WHERE db.datname = current_database()
    ) AS subscriptions,
    coalesce(
        (SELECT evt.evtenabled::text FROM pg_event_trigger AS evt WHERE evt.evtname = 'awsdms_intercept_ddl'), ''
    ) AS audit_trigger_mode;
