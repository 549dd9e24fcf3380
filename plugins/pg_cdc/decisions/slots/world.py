"""The facts that slot hygiene works on: slots, whose they are, how they moved, and what room is left. Data only.

Times are epoch seconds of the server's clock; LSNs are byte positions, so that they can be subtracted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class OwnerKind(StrEnum):
    """What can own a slot. The values are those of pgcdc.slot_owner."""

    DMS_TASK = "dms-task"
    NATIVE_SUBSCRIPTION = "native-subscription"
    PGLOGICAL_SUBSCRIPTION = "pglogical-subscription"
    PHYSICAL_STANDBY = "physical-standby"
    UNKNOWN = "unknown"


class OwnerState(StrEnum):
    """What looking for an owner came to. ``GONE`` only when two different questions both said so."""

    EXISTS = "exists"
    GONE = "gone"
    UNCHECKED = "could not check"


@dataclass(frozen=True, kw_only=True)
class SlotRow:
    """One row of pg_replication_slots; None: this PostgreSQL version has no such column, or the value is null.

    ``retained_bytes``: WAL held back by ``restart_lsn``. ``catalog_xmin_age``: transactions since ``catalog_xmin``.
    """

    name: str
    slot_type: str
    plugin: str | None = None
    database: str | None = None
    temporary: bool = False
    active: bool = False
    active_pid: int | None = None
    restart_lsn: int | None = None
    confirmed_flush_lsn: int | None = None
    retained_bytes: int | None = None
    catalog_xmin_age: int | None = None
    wal_status: str | None = None
    safe_wal_size: int | None = None
    inactive_since: float | None = None
    conflicting: bool | None = None
    invalidation_reason: str | None = None
    failover: bool | None = None
    synced: bool | None = None


@dataclass(frozen=True, kw_only=True)
class Owner:
    """Whose a slot is, as the ledger has it or as was just learned. ``owner_id``: an ARN, or server/database/name."""

    kind: OwnerKind
    owner_id: str = ""
    migration: str = ""
    how: str = ""
    recorded_at: float | None = None


@dataclass(frozen=True, kw_only=True)
class OwnerLook:
    """What looking for an owner came to, with the reason in words."""

    state: OwnerState
    text: str = ""


@dataclass(frozen=True, kw_only=True)
class Observation:
    """A slot as it was at ``at``; ``wal_lsn`` is the server's own position then."""

    at: float
    active: bool
    wal_lsn: int
    restart_lsn: int | None
    confirmed_flush_lsn: int | None
    retained_bytes: int | None


@dataclass(frozen=True, kw_only=True)
class Watch:
    """What earlier runs decided about a slot. ``gone_since``: when an earlier run first saw its owner gone.

    ``severity`` is the one that was last told to people; empty: none was.
    """

    owner_id: str = ""
    gone_since: float | None = None
    severity: str = ""
    severity_since: float | None = None


@dataclass(frozen=True, kw_only=True)
class Storage:
    """What room WAL has. None: not known, or no limit. ``how`` says where the figures are from."""

    free_bytes: int | None = None
    max_slot_wal_keep_bytes: int | None = None
    how: str = ""


@dataclass(frozen=True, kw_only=True)
class CacheRate:
    """Aurora's logical WAL cache for one slot, in percent; None where nothing was read."""

    slot: str
    hit_percent: float | None


@dataclass(frozen=True, kw_only=True)
class SourceFacts:
    """One server at one moment. Mappings are by slot name."""

    identifier: str
    at: float
    version_num: int
    in_recovery: bool
    wal_lsn: int
    slots: tuple[SlotRow, ...]
    owners: Mapping[str, Owner] = field(default_factory=dict)
    looks: Mapping[str, OwnerLook] = field(default_factory=dict)
    history: Mapping[str, tuple[Observation, ...]] = field(default_factory=dict)
    watches: Mapping[str, Watch] = field(default_factory=dict)
    storage: Storage = field(default_factory=Storage)
    cache_rates: tuple[CacheRate, ...] = ()
    walsenders: tuple[str, ...] = ()
    subscriptions: tuple[str, ...] = ()
    publications: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()
    pglogical_nodes: tuple[str, ...] = ()
    tasks: Mapping[str, str] = field(default_factory=dict)
    """DMS task ARN to its status in words."""
