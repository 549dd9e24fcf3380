-- List what else belongs to tables and comes after their rows: triggers, rules, policies, statistics.
-- Runs on:    source or target; read only.
-- Needs:      nothing beyond CONNECT.                    Undo: not needed
-- Reads:      pg_trigger, pg_rewrite, pg_policy, pg_statistic_ext, pg_class, pg_namespace
-- Source:     https://www.postgresql.org/docs/current/catalogs.html
-- Why:        a policy has no definition that a server writes down: policies are told, not copied.
WITH relations AS (
    SELECT rel.oid, space.nspname::text AS schema, rel.relname::text AS table
    FROM pg_class AS rel JOIN pg_namespace AS space ON space.oid = rel.relnamespace
    WHERE space.nspname || '.' || rel.relname = ANY (%(tables)s)
)
SELECT rel.schema, rel.table, 'trigger' AS kind, trg.tgname::text AS name, pg_get_triggerdef(trg.oid) AS definition,
    trg.tgenabled::text AS enabled
FROM relations AS rel JOIN pg_trigger AS trg ON trg.tgrelid = rel.oid AND NOT trg.tgisinternal
WHERE NOT EXISTS (
    SELECT FROM pg_depend AS dep
    WHERE dep.classid = 'pg_trigger'::regclass AND dep.objid = trg.oid AND dep.deptype IN ('I', 'P', 'S')
)
UNION ALL
SELECT rel.schema, rel.table, 'rule', rule.rulename::text, pg_get_ruledef(rule.oid), rule.ev_enabled::text
FROM relations AS rel JOIN pg_rewrite AS rule ON rule.ev_class = rel.oid AND rule.rulename <> '_RETURN'
UNION ALL
SELECT rel.schema, rel.table, 'statistics', stat.stxname::text, pg_get_statisticsobjdef(stat.oid), 'O'
FROM relations AS rel JOIN pg_statistic_ext AS stat ON stat.stxrelid = rel.oid
UNION ALL
SELECT rel.schema, rel.table, 'policy', pol.polname::text, '', 'O'
FROM relations AS rel JOIN pg_policy AS pol ON pol.polrelid = rel.oid
ORDER BY 1, 2, 3, 4;
