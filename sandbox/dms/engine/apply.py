"""Apply source transactions on the target: many in one go while all is well, one by one when a row fails."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import psycopg

from sandbox.dms.engine.changes import Change, Kind, lsn, lsn_text
from sandbox.dms.engine.clock import now
from sandbox.dms.engine.ddl import Ddl
from sandbox.dms.engine.failures import TaskFailed, is_recoverable, text_of
from sandbox.dms.engine.job import Job
from sandbox.dms.engine.lobs import LobLimit
from sandbox.dms.engine.progress import TableName, TableProgress, TableState
from sandbox.dms.engine.source import SourceTable
from sandbox.dms.engine.statements import Statement, Statements

COLUMNS = """
select attname from pg_catalog.pg_attribute a
join pg_catalog.pg_class c on c.oid = a.attrelid join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where n.nspname = %s and c.relname = %s and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
"""
NOTHING_FOUND = "0 rows affected"
POLICY = {
    Kind.INSERT: "ApplyErrorInsertPolicy",
    Kind.UPDATE: "ApplyErrorUpdatePolicy",
    Kind.DELETE: "ApplyErrorDeletePolicy",
}


@dataclass
class Transaction:
    """A committed source transaction. ``position``: the LSN just after it. ``committed``: when."""

    changes: list[Change | Ddl] = field(default_factory=list)
    position: int = 0
    committed: dt.datetime | None = None


class Applier:
    """One connection to the target. ``captured``: the tables of the task, shared with its other parts."""

    def __init__(
        self,
        job: Job,
        captured: Mapping[TableName, SourceTable],
        progress: Mapping[TableName, TableProgress],
    ) -> None:
        self._control = job.control()
        self._captured = captured
        self._progress = progress
        self._policies = job.settings["ErrorBehavior"]
        self._lobs = LobLimit(job.settings["TargetMetadata"])
        self._statements: dict[TableName, Statements] = {}
        self._connection = job.database.psycopg(autocommit=False)
        self._connection.prepared_max = 500
        if job.script:
            self._connection.execute(job.script)
        self._control.create(self._connection)
        self._connection.commit()

    def position(self) -> str | None:
        """Return how far the target is."""
        with self._connection.transaction():
            return self._control.position(self._connection)

    def settled(self) -> bool:
        """Tell whether all that was taken is on the target: it is committed before ``apply`` ends."""
        return True

    def close(self) -> None:
        """Leave the target."""
        self._connection.close()

    def apply(self, batch: Sequence[Transaction]) -> None:
        """Bring whole transactions to the target and record the position with them."""
        try:
            if any(isinstance(change, Ddl) for t in batch for change in t.changes):
                raise _OneByOne
            self._at_once(batch)
        except (_OneByOne, psycopg.Error) as error:
            if is_recoverable(error) or self._connection.broken:
                raise
            self._connection.rollback()
            self._one_by_one(batch)

    def _at_once(self, batch: Sequence[Transaction]) -> None:
        counts: Counter[tuple[TableName, str]] = Counter()
        done: list[tuple[Change, psycopg.Cursor[Any]]] = []
        with self._connection.pipeline():
            for transaction in batch:
                for change in self._wanted(transaction):
                    statement = self._statement(change, counts)
                    if statement:
                        done.append((change, self._connection.execute(*statement, prepare=True)))
            self._control.save_position(self._connection, lsn_text(batch[-1].position))
        if any(cursor.rowcount == 0 for _, cursor in done):
            raise _OneByOne
        self._connection.commit()
        for change, _ in done:
            counts[change.table, f"applied_{change.kind.value}s"] += 1
        self._tell(counts)

    def _one_by_one(self, batch: Sequence[Transaction]) -> None:
        for transaction in batch:
            counts: Counter[tuple[TableName, str]] = Counter()
            for change in self._wanted(transaction):
                if isinstance(change, Ddl):
                    self._change_table(change, counts)
                else:
                    self._change_row(change, counts)
            self._control.save_position(self._connection, lsn_text(transaction.position))
            self._connection.commit()
            self._tell(counts)

    def _wanted(self, transaction: Transaction) -> list[Any]:
        """Return the changes that the load of their table does not hold yet."""
        return [change for change in transaction.changes if self._is_due(change.table, transaction.position)]

    def _is_due(self, table: TableName, position: int) -> bool:
        found = self._progress.get(table)
        if found is None or found.state == TableState.ERROR:
            return False
        return found.loaded_at is None or position > lsn(found.loaded_at)

    def _statement(self, change: Change, counts: Counter[tuple[TableName, str]]) -> Statement | None:
        counts[change.table, f"{change.kind.value}s"] += 1
        known = self._statements.get(change.table)
        if known is None:
            names = [row[0] for row in self._connection.execute(COLUMNS, change.table).fetchall()]
            known = self._statements[change.table] = Statements(self._captured[change.table], names, self._lobs)
        return known.of(change)

    def _change_row(self, change: Change, counts: Counter[tuple[TableName, str]]) -> None:
        statement = self._statement(change, counts)
        if statement is None:
            return
        try:
            with self._connection.transaction():
                found = self._connection.execute(*statement, prepare=False).rowcount
        except psycopg.Error as error:
            if is_recoverable(error) or self._connection.broken:
                raise
            self._refuse(change, statement[0], text_of(error))
            return
        if found:
            counts[change.table, f"applied_{change.kind.value}s"] += 1
        elif change.kind is not Kind.DELETE:
            self._refuse(change, statement[0], NOTHING_FOUND)

    def _refuse(self, change: Change, statement: str, error: str) -> None:
        if self._policies.get(POLICY[change.kind]) == "STOP_TASK":
            raise TaskFailed(error)
        self._control.log(self._connection, change.table, statement, error)

    def _change_table(self, ddl: Ddl, counts: Counter[tuple[TableName, str]]) -> None:
        counts[ddl.table, "ddls"] += 1
        for statement in ddl.statements:
            try:
                with self._connection.transaction():
                    self._connection.execute(statement)
            except psycopg.Error as error:
                if is_recoverable(error) or self._connection.broken:
                    raise
                self._control.log(self._connection, ddl.table, statement.as_string(None), text_of(error))
                continue
            counts[ddl.table, "applied_ddls"] += 1
        self._statements.pop(ddl.table, None)
        self._connection.execute("deallocate all")

    def _tell(self, counts: Counter[tuple[TableName, str]]) -> None:
        for (table, what), count in counts.items():
            progress = self._progress[table]
            setattr(progress, what, getattr(progress, what) + count)
            progress.last_update = now()


class _OneByOne(Exception):
    """The batch must be applied change by change."""
