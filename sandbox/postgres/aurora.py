"""The functions that Aurora has and community PostgreSQL has not."""

from __future__ import annotations

VERSION_SQL = """
create or replace function pg_catalog.aurora_version() returns text
    language sql stable parallel safe as $$ select current_setting('server_version_num')::int / 10000
    || '.' || current_setting('server_version_num')::int % 10000 || '.0' $$;
"""

CACHE_SQL = """
create or replace function pg_catalog.aurora_stat_logical_wal_cache()
    returns table (name text, active_pid int, cache_hit bigint, cache_miss bigint, blks_read bigint,
                   hit_rate text, last_reset_timestamp timestamptz)
    language sql stable security definer set search_path = pg_catalog as $$
with cache as (
    select case coalesce(nullif(current_setting('rds.logical_wal_cache', true), ''), '-1')::bigint
        when 0 then 0
        when -1 then least(greatest(pg_size_bytes(current_setting('shared_buffers')) / 32, 65536), 16777216)
        else greatest(current_setting('rds.logical_wal_cache')::bigint * 8192, 32768) end as size
), slot as (
    select s.slot_name, s.active_pid, {decoded} as decoded, {reset} as reset,
        pg_wal_lsn_diff(case when pg_is_in_recovery() then pg_last_wal_replay_lsn() else pg_current_wal_lsn() end,
                        coalesce(s.confirmed_flush_lsn, s.restart_lsn)) as behind
    from pg_replication_slots s {statistics}
    where s.slot_type = 'logical'
), read as (
    select slot.*, ceil(decoded / 8192.0)::bigint as blocks, case size
        when 0 then ceil(decoded / 8192.0)
        else least(ceil(decoded / 8192.0), ceil(greatest(coalesce(behind, 0) - size, 0) / 8192.0)) end::bigint as missed
    from slot, cache
)
select slot_name::text, active_pid, blocks - missed, missed, blocks,
    to_char(case blocks when 0 then 0 else 100.0 * (blocks - missed) / blocks end, 'FM990.00') || '%',
    coalesce(reset, pg_postmaster_start_time())
from read $$;
revoke execute on function pg_catalog.aurora_stat_logical_wal_cache() from public;
grant execute on function pg_catalog.aurora_stat_logical_wal_cache() to rds_superuser, rds_replication;
"""
"""Requests are what was decoded, in blocks; misses what lies further back than the cache is large."""

RESET_SQL = """
create or replace function pg_catalog.aurora_stat_reset_wal_cache(slot text) returns text
    language plpgsql security definer set search_path = pg_catalog as $$
begin
    if slot is not null and not exists (select from pg_replication_slots where slot_name = slot) then
        return 'Replication slot not found. Please try again.';
    end if;
    {reset}
    return 'Reset the logical wal cache counter.';
end $$;
"""


def functions_sql(major: int) -> str:
    """Return the statements that make them. Before PostgreSQL 14 nothing counts what a slot decodes."""
    counted = major >= 14
    cache = CACHE_SQL.format(
        decoded="coalesce(st.total_bytes, 0)" if counted else "0",
        reset="st.stats_reset" if counted else "null::timestamptz",
        statistics="left join pg_stat_replication_slots st on st.slot_name = s.slot_name" if counted else "",
    )
    reset = RESET_SQL.format(reset="perform pg_stat_reset_replication_slot(slot);" if counted else "")
    return VERSION_SQL + cache + reset
