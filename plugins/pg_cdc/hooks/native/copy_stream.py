"""Copy one table from a snapshot of the source into the target, in one transaction with the note that it is there.

psql reads and psycopg writes: reading a row at a time in Python takes longer than the copy itself.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from psycopg import sql

from pg_cdc.decisions import names
from pg_cdc.decisions.native.load import TableCopy
from pg_cdc.decisions.native.world import LoadedTable, Snapshot
from pg_cdc.hooks.native.books import record_loaded
from pg_cdc.hooks.native.client_programs import blocks, start
from pg_cdc.hooks.native.unhurried import hurry_not

if TYPE_CHECKING:
    import psycopg

    from pg_cdc.hooks.postgres import Credentials

MARKER = (names.CONTROL_SCHEMA, names.MARKER_TABLE)
SETTINGS = (
    "search_path=pg_catalog",
    "statement_timeout=0",
    "idle_in_transaction_session_timeout=0",
    "row_security=off",
    "DateStyle=ISO",
    "IntervalStyle=postgres",
    "TimeZone=UTC",
    "extra_float_digits=3",
    "bytea_output=hex",
)
"""Text means the same everywhere, and rows hidden by a policy are an error, not missing."""


@dataclass(frozen=True, kw_only=True)
class CopyJob:
    """What all copies of a load have in common. ``on_bytes``: told how many have come, each time."""

    migration: str
    source: Credentials
    psql: Path
    snapshot: Snapshot
    application: str
    on_bytes: Callable[[int], None]


def copy_table(job: CopyJob, target: psycopg.Connection[Any], table: TableCopy) -> LoadedTable:
    """Copy a table whole: what an earlier try left is removed in the same transaction.

    :raises ProgramFailed: the source's side ended early, for example because the snapshot is gone.
    """
    began = time.monotonic()
    reader = start(job.psql, job.source, _arguments(job, table), application=job.application, settings=SETTINGS)
    received = 0
    hurry_not(target)
    with target.transaction(), target.cursor() as cursor:
        cursor.execute(_emptied(job, table))
        with cursor.copy(_into(table)) as copy:
            for block in blocks(reader):
                copy.write(block)
                received += len(block)
                job.on_bytes(len(block))
        loaded = LoadedTable(
            name=table.name,
            consistent_point=job.snapshot.consistent_point,
            rows=cursor.rowcount,
            bytes=received,
            seconds=round(time.monotonic() - began, 3),
        )
        record_loaded(target, job.migration, loaded)
    return loaded


def _arguments(job: CopyJob, table: TableCopy) -> list[str]:
    statements = (
        sql.SQL("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"),
        sql.SQL("SET TRANSACTION SNAPSHOT {}").format(sql.Literal(job.snapshot.snapshot_name)),
        _out_of(job, table),
    )
    quiet = ["--no-psqlrc", "--quiet", "--no-align", "--tuples-only", "--set", "ON_ERROR_STOP=1"]
    return [*quiet, *(part for one in statements for part in ("--command", one.as_string(None)))]


def _out_of(job: CopyJob, table: TableCopy) -> sql.Composed:
    columns = sql.SQL(", ").join(map(sql.Identifier, table.columns))
    if table.name == MARKER:
        what = sql.SQL("(SELECT {} FROM {} WHERE migration = {})").format(
            columns, sql.Identifier(*table.name), sql.Literal(job.migration)
        )
    else:
        what = sql.SQL("{} ({})").format(sql.Identifier(*table.name), columns)
    return sql.SQL("COPY {} TO STDOUT (FORMAT {})").format(what, _form(table))


def _emptied(job: CopyJob, table: TableCopy) -> sql.Composed:
    if table.name == MARKER:
        return sql.SQL("DELETE FROM {} WHERE migration = {}").format(
            sql.Identifier(*table.name), sql.Literal(job.migration)
        )
    return sql.SQL("TRUNCATE ONLY {}").format(sql.Identifier(*table.name))


def _into(table: TableCopy) -> sql.Composed:
    """Return COPY with FREEZE, which the TRUNCATE before it allows: no vacuum needs to come back to these rows."""
    freeze = sql.SQL("" if table.name == MARKER else ", FREEZE true")
    columns = sql.SQL(", ").join(map(sql.Identifier, table.columns))
    return sql.SQL("COPY {} ({}) FROM STDIN (FORMAT {}{})").format(
        sql.Identifier(*table.name), columns, _form(table), freeze
    )


def _form(table: TableCopy) -> sql.SQL:
    return sql.SQL("binary" if table.binary else "text")
