"""Advise on Aurora's cache of logical WAL. Pure.

Source: https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/AuroraPostgreSQL.Replication.Logical-monitoring.html
"""

from __future__ import annotations

from collections.abc import Sequence

from pg_cdc.decisions.preflight.findings import named
from pg_cdc.decisions.slots.policy import Policy
from pg_cdc.decisions.slots.world import CacheRate

SETTING = "rds.logical_wal_cache"


def cache_advice(rates: Sequence[CacheRate], policy: Policy) -> tuple[str, ...]:
    """Return what to do about slots that are read from storage more than ``policy`` likes; nothing if none is."""
    low = [rate for rate in rates if rate.hit_percent is not None and rate.hit_percent < policy.cache_hit_percent]
    if not low:
        return ()
    found = named([f"{rate.slot} {rate.hit_percent:.0f} %" for rate in low])
    return (
        f"low hit rate of the logical WAL cache ({found}; {policy.cache_hit_percent:.0f} % expected): raise {SETTING}"
        " in the cluster's parameter group. It costs memory of the instance, as much as is set (by default 1/32 of"
        " shared_buffers, 64 kB to 16 MB), and a reboot",
    )
