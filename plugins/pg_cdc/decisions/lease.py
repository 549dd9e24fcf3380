"""Decide about the lease: one run at a time changes a cluster. Pure; the server's clock counts, nobody else's."""

from __future__ import annotations

from dataclasses import dataclass

from pg_cdc.config import Migration

REBOOTS = 3
"""Instances that a run may reboot one after the other: a writer and two readers, more than most clusters have."""


@dataclass(frozen=True, kw_only=True)
class Lease:
    """The lease as it stands. Times are the server's, as text."""

    owner: str
    taken_at: str
    expires_at: str
    expired: bool


def owner_name(migration: str, run_id: str) -> str:
    """Return who a run is: two runs of one migration are two owners."""
    return f"{migration} / {run_id}"


def lease_minutes(migration: Migration) -> int:
    """Return how long a lease lasts: as long as the steps under it may wait, so that none works without it."""
    limits = migration.timeouts
    waits = (
        REBOOTS * limits.reboot_minutes,
        limits.instance_minutes,
        limits.connection_minutes,
        limits.streaming_minutes,
    )
    return sum(waits)


def is_free(lease: Lease | None, owner: str) -> bool:
    """Tell whether ``owner`` can take the lease now."""
    return lease is None or lease.expired or lease.owner == owner


def is_held(lease: Lease | None, owner: str) -> bool:
    """Tell whether ``owner`` has it already."""
    return lease is not None and not lease.expired and lease.owner == owner


def describe_lease(lease: Lease | None, cluster: str) -> str:
    """Return where the lease stands, with what frees it by hand."""
    if lease is None:
        return f"the lease on {cluster} is free"
    if lease.expired:
        return f"the lease on {cluster}, of {lease.owner}, expired at {lease.expires_at}"
    return (
        f"the lease on {cluster} is held by {lease.owner} since {lease.taken_at}, until {lease.expires_at}"
        " (release_lease.sql in database postgres frees it, if that run is dead)"
    )
