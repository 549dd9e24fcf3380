-- Read who reads a replication slot now. No row: nobody does, or there is no such slot.
-- Runs on:    source, any database; read only.
-- Needs:      pg_read_all_stats (in rds_superuser), else the role of other sessions is not seen.     Undo: not needed
-- Reads:      pg_replication_slots, pg_stat_activity
-- Source:     https://www.postgresql.org/docs/current/view-pg-replication-slots.html
SELECT
    slot.slot_name::text AS slot,
    slot.active_pid AS pid,
    coalesce(session.usename::text, '') AS role,
    coalesce(session.application_name, '') AS application,
    coalesce(session.client_addr::text, 'local') AS address
FROM pg_replication_slots AS slot
LEFT JOIN pg_stat_activity AS session ON session.pid = slot.active_pid
WHERE slot.slot_name = ANY (%(slots)s) AND slot.active
ORDER BY 1;
