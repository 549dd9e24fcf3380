"""What a task has done so far: the numbers behind its statistics."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from enum import StrEnum

TableName = tuple[str, str]


class TableState(StrEnum):
    """DMS's words for the state of a table."""

    QUEUED = "Before load"
    LOADING = "Full load"
    RELOADING = "Table is being reloaded"
    COMPLETED = "Table completed"
    CANCELLED = "Table cancelled"
    ERROR = "Table error"
    MISSING = "Table does not exist"


UNFINISHED = (TableState.QUEUED, TableState.LOADING, TableState.RELOADING, TableState.CANCELLED)


@dataclass
class TableProgress:
    """One table. ``loaded_at``: the LSN of the snapshot it was loaded from; changes up to it are in the load."""

    schema: str
    name: str
    state: str = TableState.QUEUED
    inserts: int = 0
    updates: int = 0
    deletes: int = 0
    ddls: int = 0
    applied_inserts: int = 0
    applied_updates: int = 0
    applied_deletes: int = 0
    applied_ddls: int = 0
    rows: int = 0
    error_rows: int = 0
    load_started: dt.datetime | None = None
    load_ended: dt.datetime | None = None
    reloaded: bool = False
    last_update: dt.datetime | None = None
    loaded_at: str | None = None

    @property
    def key(self) -> TableName:
        """Return the qualified name."""
        return (self.schema, self.name)


@dataclass
class Progress:
    """A task's history. ``position``: the end of the last source transaction that is on the target."""

    tables: list[TableProgress] = field(default_factory=list)
    fresh_start: dt.datetime | None = None
    start: dt.datetime | None = None
    stop: dt.datetime | None = None
    load_start: dt.datetime | None = None
    load_finish: dt.datetime | None = None
    slot: str | None = None
    slot_made: bool = False
    plugin: str | None = None
    node_made: bool = False
    position: str | None = None

    def table(self, key: TableName) -> TableProgress | None:
        """Return the numbers of one table."""
        return next((t for t in self.tables if t.key == key), None)

    def count(self, *states: str) -> int:
        """Return how many tables are in one of ``states``."""
        return sum(t.state in states for t in list(self.tables))

    def percent(self) -> int:
        """Return how much of the full load is done; without tables AWS says 100."""
        if not self.tables:
            return 100
        return 100 * self.count(TableState.COMPLETED, TableState.ERROR) // len(self.tables)
