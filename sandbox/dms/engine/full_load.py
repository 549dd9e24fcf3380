"""Copy tables from one snapshot of the source into the target."""

from __future__ import annotations

import datetime as dt
import queue
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import sql

from sandbox.dms.engine.clock import now
from sandbox.dms.engine.failures import Interrupted, TaskFailed, is_recoverable, text_of
from sandbox.dms.engine.job import Job
from sandbox.dms.engine.lobs import LobLimit
from sandbox.dms.engine.progress import TableName, TableProgress, TableState
from sandbox.dms.engine.slots import Snapshot
from sandbox.dms.engine.source import SourceTable

CHUNK = 256 * 1024
# The sandbox shares a small machine with the servers it copies between.
MOST_AT_ONCE = 2


class FullLoad:
    """A load of some tables from ``snapshot`` into a database. ``started``: when the task was."""

    def __init__(self, job: Job, snapshot: Snapshot, stop: threading.Event, *, started: dt.datetime) -> None:
        self._job = job
        self._started = started
        self._snapshot = snapshot
        self._stop = stop
        self._mode = job.settings["FullLoadSettings"]["TargetTablePrepMode"]
        self._streams = min(MOST_AT_ONCE, job.settings["FullLoadSettings"]["MaxFullLoadSubTasks"])
        self._lobs = LobLimit(job.settings["TargetMetadata"])

    def run(self, tables: Sequence[SourceTable], progress: Mapping[TableName, TableProgress]) -> None:
        """Load every table; a table that cannot be loaded is left in error and the others go on."""
        self._create_schemas(tables)
        waiting: queue.SimpleQueue[SourceTable] = queue.SimpleQueue()
        for table in tables:
            waiting.put(table)
        errors: list[BaseException] = []
        workers = [
            threading.Thread(target=self._work, args=(waiting, progress, errors), daemon=True, name="dms-load")
            for _ in range(min(self._streams, len(tables)))
        ]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        if errors:
            raise errors[0]

    def _create_schemas(self, tables: Sequence[SourceTable]) -> None:
        with self._job.database.psycopg() as connection:
            there = {row[0] for row in connection.execute("select nspname from pg_catalog.pg_namespace").fetchall()}
            for schema in sorted({table.schema for table in tables} - there):
                connection.execute(sql.SQL("create schema {}").format(sql.Identifier(schema)))

    def _work(
        self,
        waiting: queue.SimpleQueue[SourceTable],
        progress: Mapping[TableName, TableProgress],
        errors: list[BaseException],
    ) -> None:
        try:
            with self._job.source.psycopg() as source, self._open_target() as target:
                source.execute("begin isolation level repeatable read read only")
                source.execute(sql.SQL("set transaction snapshot {}").format(self._snapshot.name))
                while not errors:
                    self._load(source, target, waiting.get_nowait(), progress)
        except queue.Empty:
            return
        except BaseException as error:
            errors.append(error)

    @contextmanager
    def _open_target(self) -> Iterator[Any]:
        with self._job.database.psycopg(autocommit=False) as target:
            if self._job.script:
                target.execute(self._job.script)
                target.commit()
            yield target

    def _move(self, source: psycopg.Connection[Any], target: Any, table: SourceTable, told: TableProgress) -> None:
        with target.transaction():
            fresh = prepare_target(target, table, self._mode)
            self._copy(source, target, table, told)
            if fresh and table.key:
                target.execute(primary_key(table))

    def _load(
        self,
        source: psycopg.Connection[Any],
        target: Any,
        table: SourceTable,
        progress: Mapping[TableName, TableProgress],
    ) -> None:
        told = progress[(table.schema, table.name)]
        told.state, told.rows, told.load_started, told.load_ended = TableState.LOADING, 0, now(), None
        told.loaded_at = self._snapshot.position
        try:
            self._move(source, target, table, told)
        except psycopg.Error as error:
            if is_recoverable(error) or source.broken or getattr(target, "broken", False):
                told.state = TableState.QUEUED
                raise
            self._give_up(source, told, text_of(error))
            return
        except Interrupted:
            told.state = TableState.QUEUED
            raise
        told.state, told.load_ended = TableState.COMPLETED, now()

    def _give_up(self, source: psycopg.Connection[Any], told: TableProgress, error: str) -> None:
        told.state, told.load_ended = TableState.ERROR, now()
        self._job.log(f"table {told.schema}.{told.name} cannot be loaded: {error}")
        if self._job.settings["ErrorBehavior"]["TableErrorPolicy"] == "STOP_TASK":
            raise TaskFailed(error)
        source.execute("rollback")
        source.execute("begin isolation level repeatable read read only")
        source.execute(sql.SQL("set transaction snapshot {}").format(self._snapshot.name))

    def _copy(
        self, source: psycopg.Connection[Any], target: psycopg.Connection[Any], table: SourceTable, told: TableProgress
    ) -> None:
        columns = sql.SQL(", ").join(sql.Identifier(column.name) for column in table.columns)
        taken = sql.SQL(", ").join(map(self._lobs.expression, table.columns))
        read = sql.SQL("copy (select {} from {}) to stdout").format(taken, table.identifier)
        write = sql.SQL("copy {} ({}) from stdin").format(table.identifier, columns)
        with source.cursor().copy(read) as rows, target.cursor().copy(write) as sink:
            chunk, size = [], 0
            for row in rows:
                chunk.append(bytes(row))
                size += len(row)
                if size > CHUNK:
                    sink.write(b"".join(chunk))
                    told.rows += len(chunk)
                    chunk, size = [], 0
                    if self._stop.is_set():
                        raise Interrupted
            sink.write(b"".join(chunk))
            told.rows += len(chunk)


def prepare_target(target: psycopg.Connection[Any], table: SourceTable, mode: str) -> bool:
    """Bring the target table into the state ``mode`` asks for; tell whether it was made here, without its key."""
    there = target.execute(
        "select 1 from pg_catalog.pg_tables where schemaname = %s and tablename = %s", (table.schema, table.name)
    ).fetchone()
    if there and mode == "DROP_AND_CREATE":
        target.execute(sql.SQL("drop table {}").format(table.identifier))
    elif there:
        if mode == "TRUNCATE_BEFORE_LOAD":
            target.execute(sql.SQL("truncate table {}").format(table.identifier))
        return False
    target.execute(create_table(table))
    return True


def create_table(table: SourceTable, *, with_key: bool = False) -> sql.Composed:
    """Return what DMS creates: columns and the key, nothing else. ``with_key``: the key at once, not after a load."""
    columns = sql.SQL(", ").join(
        sql.SQL("{} " + column.type.replace("{", "{{").replace("}", "}}")).format(sql.Identifier(column.name))
        for column in table.columns
    )
    if with_key and table.key:
        names = sql.SQL(", ").join(map(sql.Identifier, table.key))
        columns += sql.SQL(", primary key ({})").format(names)
    return sql.SQL("create table if not exists {} ({})").format(table.identifier, columns)


def primary_key(table: SourceTable) -> sql.Composed:
    """Return the statement that adds the key."""
    names = sql.SQL(", ").join(map(sql.Identifier, table.key))
    return sql.SQL("alter table {} add primary key ({})").format(table.identifier, names)
