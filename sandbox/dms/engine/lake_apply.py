"""Write source transactions into files: gathered for a while, then a file for each table that has changed."""

from __future__ import annotations

import datetime as dt
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import psycopg

from sandbox.dms.engine.apply import Transaction
from sandbox.dms.engine.changes import UNCHANGED, Change, Kind, Row, lsn
from sandbox.dms.engine.clock import now
from sandbox.dms.engine.ddl import Ddl
from sandbox.dms.engine.job import Job
from sandbox.dms.engine.lake_files import UNCHANGED as NOT_IN_LOG
from sandbox.dms.engine.lake_files import Cell, as_text, csv_line, file_of, zipped
from sandbox.dms.engine.lake_target import OPERATION, TIMES, LakeTarget
from sandbox.dms.engine.lobs import LobLimit
from sandbox.dms.engine.progress import TableName, TableProgress, TableState
from sandbox.dms.engine.source import SourceTable, read_table

LETTERS = {Kind.INSERT: "I", Kind.UPDATE: "U", Kind.DELETE: "D"}
STAMP = "%Y%m%d-%H%M%S"


@dataclass
class Gathered:
    """Rows of one file to be. ``names``, ``types``: of its columns."""

    names: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    lines: list[str] = field(default_factory=list)


class LakeApplier:
    """Gathers changes. ``captured``: the tables of the task, shared with its other parts."""

    def __init__(
        self, job: Job, captured: Mapping[TableName, SourceTable], progress: Mapping[TableName, TableProgress]
    ) -> None:
        assert isinstance(job.target, LakeTarget)
        self._target = job.target
        self._source = job.source
        self._captured = captured
        self._shapes: dict[TableName, SourceTable] = {}
        self._progress = progress
        self._lobs = LobLimit(job.settings["TargetMetadata"])
        self._gathered: dict[str, Gathered] = {}
        self._size = 0
        self._since = 0.0
        self._stamps: dict[str, int] = {}
        self._catalog: psycopg.Connection[Any] | None = None

    def position(self) -> str | None:
        """Return nothing: files say no position, and the slot's own is that of the last file."""
        return None

    def close(self) -> None:
        """Forget what is not written: it comes again, since it was not confirmed."""
        if self._catalog:
            self._catalog.close()

    def apply(self, batch: Sequence[Transaction]) -> None:
        """Take whole transactions."""
        for transaction in batch:
            counts: Counter[tuple[TableName, str]] = Counter()
            for change in transaction.changes:
                if not self._is_due(change.table, transaction.position):
                    continue
                if isinstance(change, Ddl):
                    self._change_shape(change, counts)
                else:
                    self._gather(change, transaction.committed or now(), counts)
            self._tell(counts)

    def settled(self) -> bool:
        """Write what is due; tell whether all that was taken is in files."""
        if not self._gathered:
            return True
        waited = time.monotonic() - self._since
        if waited < self._target.interval and self._size < self._target.settings["CdcMinFileSize"] * 1024:
            return False
        self._write()
        return True

    def _is_due(self, table: TableName, position: int) -> bool:
        found = self._progress.get(table)
        if found is None or found.state == TableState.ERROR:
            return False
        return found.loaded_at is None or position > lsn(found.loaded_at)

    def _shape(self, table: TableName) -> SourceTable:
        return self._shapes.get(table) or self._captured[table]

    def _change_shape(self, ddl: Ddl, counts: Counter[tuple[TableName, str]]) -> None:
        """Look at the table's columns again: files that are there stay as they are, later ones have the new columns."""
        counts[ddl.table, "ddls"] += 1
        self._read_shape(ddl.table)

    def _read_shape(self, table: TableName) -> SourceTable:
        if self._catalog is None:
            self._catalog = self._source.psycopg()
        self._shapes[table] = read_table(self._catalog, table, self._shape(table).identity)
        return self._shapes[table]

    def _gather(self, change: Change, committed: dt.datetime, counts: Counter[tuple[TableName, str]]) -> None:
        counts[change.table, f"{change.kind.value}s"] += 1
        table = self._shape(change.table)
        row = change.old if change.kind is Kind.DELETE else change.new
        if row is None or not _is_written(change, table):
            return
        if not row.keys() <= {column.name for column in table.columns}:
            table = self._read_shape(change.table)
        in_order = self._target.transactions()
        if change.kind is Kind.DELETE or in_order:
            columns = [(column.name, column.type) for column in table.columns]
        else:
            columns = [(column.name, column.type) for column in table.columns if column.name in row]
        cells: list[Cell] = [self._cell(name, type_, row, change) for name, type_ in columns]
        stamp = self._target.settings["TimestampColumnName"]
        moment = [committed.astimezone(dt.UTC).strftime(TIMES)] if stamp else []
        counts[change.table, f"applied_{change.kind.value}s"] += 1
        letter = LETTERS[change.kind]
        if in_order:
            self._keep(in_order, Gathered(), [letter, change.table[1], change.table[0], *moment, *cells])
            return
        extra = ((OPERATION, "text"), *(((stamp, "text"),) if stamp else ()))
        names, types = zip(*extra, *columns, strict=True)
        folder = self._target.folder(change.table) + self._target.partition(committed)
        self._keep(folder, Gathered(names, types), [letter, *moment, *cells])

    def _cell(self, name: str, type_: str, row: Row, change: Change) -> Cell:
        value = row.get(name, UNCHANGED if change.kind is Kind.DELETE else None)
        if value is UNCHANGED:
            value = (change.old or {}).get(name, UNCHANGED)
        if value is UNCHANGED:
            return NOT_IN_LOG
        if value is None:
            return None
        text = as_text(value, type_)
        limit = self._lobs.cut(type_)
        return text[:limit] if limit else text

    def _keep(self, folder: str, blank: Gathered, cells: Sequence[Cell]) -> None:
        known = self._gathered.get(folder)
        if known is not None and known.names != blank.names:
            self._write()
            known = None
        if known is None:
            known = self._gathered.setdefault(folder, blank)
        if not self._size:
            self._since = time.monotonic()
        line = csv_line(cells, self._target)
        known.lines.append(line)
        self._size += len(line)

    def _write(self) -> None:
        in_order = self._target.transactions()
        for folder, rows in self._gathered.items():
            if in_order:
                ending, content = zipped(self._target, ".csv", "".join(rows.lines).encode())
                name = f"CDC_TXN-{self._stamp(folder).replace('-', '')}"
            else:
                ending, content = file_of(self._target, rows.names, rows.types, rows.lines)
                name = self._stamp(folder)
            self._target.write(f"{folder}{name}{ending}", content)
        self._gathered.clear()
        self._size = 0

    def _stamp(self, folder: str) -> str:
        """Return the time now, in milliseconds, and later than that of the folder's file before."""
        milliseconds = max(int(time.time() * 1000), self._stamps.get(folder, 0) + 1)
        self._stamps[folder] = milliseconds
        moment = dt.datetime.fromtimestamp(milliseconds // 1000, dt.UTC)
        return f"{moment.strftime(STAMP)}{milliseconds % 1000:03}"

    def _tell(self, counts: Counter[tuple[TableName, str]]) -> None:
        for (table, what), count in counts.items():
            progress = self._progress[table]
            setattr(progress, what, getattr(progress, what) + count)
            progress.last_update = now()


def _is_written(change: Change, table: SourceTable) -> bool:
    """Tell whether DMS has what finds the row. Without it, and where a key's value changes, it says nothing."""
    if change.kind is Kind.INSERT:
        return True
    old = change.old
    if not table.key:
        return table.identity == "f" and old is not None
    row = old if change.kind is Kind.DELETE else change.new
    if not set(table.key) <= (row or {}).keys():
        return False
    return change.kind is Kind.DELETE or not old or all(old.get(k) == (change.new or {}).get(k) for k in table.key)
