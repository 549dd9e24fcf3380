"""What was read of native replication: publication, subscription, slot, snapshot and tables. Data only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

Name = tuple[str, str]
"""Schema and table."""


def written(name: Name) -> str:
    """Return a table's name as people read it."""
    return ".".join(name)


@dataclass(frozen=True, kw_only=True)
class Publication:
    """A publication. ``comment`` None: it has none."""

    all_tables: bool
    comment: str | None
    tables: frozenset[Name]


@dataclass(frozen=True, kw_only=True)
class Subscription:
    """A subscription and its apply worker. ``worker_pid`` None: no worker runs, or it may not be seen."""

    oid: int
    enabled: bool
    slot_name: str | None
    publications: tuple[str, ...]
    comment: str | None
    tables: int
    tables_not_ready: int
    worker_pid: int | None = None
    received_lsn: str | None = None
    latest_end_lsn: str | None = None
    silent_seconds: float | None = None


@dataclass(frozen=True, kw_only=True)
class NativeSlot:
    """A slot by its name. ``lag_bytes``: WAL that the subscriber has not confirmed."""

    name: str
    plugin: str | None
    database: str | None
    active: bool
    active_pid: int | None
    wal_status: str | None
    confirmed_flush_lsn: str | None
    retained_bytes: int | None
    lag_bytes: int | None


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """The snapshot that the load reads, and the session that holds it. ``loads``: how often the load began."""

    slot_name: str
    consistent_point: str
    snapshot_name: str
    keeper_pid: int
    loads: int
    loaded: bool
    keeper_alive: bool


@dataclass(frozen=True, kw_only=True)
class Column:
    """A column. ``binary``: COPY's binary form of its type means the same on another server."""

    name: str
    type: str
    generated: bool
    binary: bool


@dataclass(frozen=True, kw_only=True)
class PublishedTable:
    """A table whose rows the publication carries. ``bytes`` and ``estimated_rows`` are estimates."""

    name: Name
    bytes: int
    estimated_rows: int


@dataclass(frozen=True, kw_only=True)
class LoadedTable:
    """A table that is loaded as of ``consistent_point``."""

    name: Name
    consistent_point: str
    rows: int
    bytes: int
    seconds: float


Columns = Mapping[Name, tuple[Column, ...]]


@dataclass(frozen=True, kw_only=True)
class LoadFacts:
    """Everything that decides what is left to load."""

    snapshot: Snapshot | None
    published: tuple[PublishedTable, ...] = ()
    loaded: Mapping[Name, LoadedTable] = field(default_factory=dict)
    source_columns: Columns = field(default_factory=dict)
    target_columns: Columns = field(default_factory=dict)
