"""Measure the largest values of LOB columns. Reads whole tables: only where the spec asks for it. Changes nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

from psycopg import errors, sql

from pg_cdc.decisions.preflight.column_types import BINARY, is_lob
from pg_cdc.decisions.preflight.table_facts import Column
from pg_cdc.sql_files import read_sql

if TYPE_CHECKING:
    from psycopg import Connection

TIMEOUT = "15min"
"""For one table; what takes longer counts as not measured."""


def largest_lobs(conn: Connection[Any], columns: Iterable[Column]) -> Mapping[tuple[str, str, str], int]:
    """Return the bytes of the largest value of each LOB among ``columns``; of a table that cannot be read, none."""
    lobs = sorted(column for column in columns if is_lob(column))
    conn.execute(sql.SQL("SET statement_timeout = {}").format(sql.Literal(TIMEOUT)))
    sizes: dict[tuple[str, str, str], int] = {}
    for (schema, table), group in groupby(lobs, key=lambda column: column.table_name):
        members = list(group)
        try:
            found = dict(conn.execute(_query(schema, table, members)).fetchall())
        except (errors.QueryCanceled, errors.InsufficientPrivilege):
            continue
        sizes |= {(schema, table, column.name): found.get(column.name) or 0 for column in members}
    conn.execute("RESET statement_timeout")
    return sizes


def _query(schema: str, table: str, columns: Sequence[Column]) -> sql.Composed:
    names = [sql.Literal(column.name) for column in columns]
    fields = [sql.Identifier(table, column.name) for column in columns]
    none = sql.SQL("NULL")
    contents = [
        none if column.type in BINARY else sql.SQL("{}::text").format(field)
        for column, field in zip(columns, fields, strict=True)
    ]
    lengths = [
        sql.SQL("octet_length({})").format(field) if column.type in BINARY else none
        for column, field in zip(columns, fields, strict=True)
    ]
    comma = sql.SQL(", ")
    return sql.SQL(read_sql("source/read_lob_sizes.sql")).format(
        relation=sql.Identifier(schema, table),
        names=comma.join(names),
        contents=comma.join(contents),
        lengths=comma.join(lengths),
    )
