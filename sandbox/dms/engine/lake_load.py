"""Copy tables from one snapshot of the source into files."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import sql

from sandbox.dms.engine.clock import now
from sandbox.dms.engine.failures import Interrupted
from sandbox.dms.engine.full_load import FullLoad
from sandbox.dms.engine.lake_files import file_of
from sandbox.dms.engine.lake_target import OPERATION, TIMES, LakeTarget
from sandbox.dms.engine.progress import TableProgress
from sandbox.dms.engine.source import Column, SourceTable

CHECK_ROWS = 2000


class LakeLoad(FullLoad):
    """A load of some tables into a bucket: ``LOAD00000001.csv`` and so on, in hexadecimal; none for an empty table."""

    def _create_schemas(self, tables: Sequence[SourceTable]) -> None:
        """Do nothing: a folder is there with its first file."""

    @contextmanager
    def _open_target(self) -> Iterator[Any]:
        assert isinstance(self._job.target, LakeTarget)
        yield self._job.target

    def _move(self, source: psycopg.Connection[Any], target: Any, table: SourceTable, told: TableProgress) -> None:
        if self._mode != "DO_NOTHING":
            target.empty((table.schema, table.name))
        names, types, read = self._query(target, table)
        largest = target.settings["MaxFileSize"] * 1024
        lines: list[str] = []
        size = number = 0
        with source.cursor().copy(read) as rows:
            for row in rows:
                lines.append(bytes(row).decode())
                size += len(row)
                told.rows += 1
                if size >= largest:
                    number += 1
                    self._write(target, table, number, (names, types, lines))
                    lines, size = [], 0
                if told.rows % CHECK_ROWS == 0 and self._stop.is_set():
                    raise Interrupted
        if lines:
            self._write(target, table, number + 1, (names, types, lines))

    def _write(
        self, target: LakeTarget, table: SourceTable, number: int, rows: tuple[list[str], list[str], list[str]]
    ) -> None:
        ending, content = file_of(target, *rows)
        target.write(f"{target.folder((table.schema, table.name))}LOAD{number:08X}{ending}", content)

    def _query(self, target: LakeTarget, table: SourceTable) -> tuple[list[str], list[str], sql.Composed]:
        """Return the names and types of a file's columns, and the COPY that gives its rows as CSV."""
        settings = target.settings
        names: list[str] = []
        types: list[str] = []
        taken: list[sql.Composable] = []
        if settings["IncludeOpForFullLoad"]:
            names, types, taken = [OPERATION], ["text"], [sql.Literal("I")]
        if settings["TimestampColumnName"]:
            moment = self._started if settings["UseTaskStartTimeForFullLoadTimestamp"] else now()
            names.append(settings["TimestampColumnName"])
            types.append("text")
            taken.append(sql.Literal(moment.astimezone(dt.UTC).strftime(TIMES)))
        for column in table.columns:
            names.append(column.name)
            types.append(column.type)
            taken.append(self._taken(column))
        text = sql.SQL("copy (select {} from {}) to stdout (format csv, null {})")
        return names, types, text.format(sql.SQL(", ").join(taken), table.identifier, settings["CsvNullValue"])

    def _taken(self, column: Column) -> sql.Composable:
        name = sql.Identifier(column.name)
        if column.type == "boolean":
            return sql.SQL("case when {} then 'true' when not {} then 'false' end").format(name, name)
        if column.type == "numeric(28,6)":
            return sql.SQL("{}::numeric(28,6)").format(name)
        return self._lobs.expression(column)
