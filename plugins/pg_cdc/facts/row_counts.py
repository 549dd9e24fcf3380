"""Count the rows of many tables in few queries. Changes nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from psycopg import sql

from pg_cdc.facts.postgres import read_tables

if TYPE_CHECKING:
    from psycopg import Connection

COUNTED_ROWS = 50_000_000
"""Tables estimated above this are not counted: a count reads the whole table, and the estimate tells enough."""

TABLES_PER_QUERY = 200
TIMEOUT = "15min"

Name = tuple[str, str]


def count_rows(conn: Connection[Any], names: Iterable[Name], *, estimated: frozenset[Name]) -> Mapping[Name, int]:
    """Return the rows of each table that is there; those of ``estimated`` by PostgreSQL's own estimate."""
    wanted = frozenset(names)
    there = {(table.schema, table.name): table.estimated_rows for table in read_tables(conn)}
    counted = sorted((wanted - estimated) & there.keys())
    conn.execute(sql.SQL("set statement_timeout = {}").format(sql.Literal(TIMEOUT)))
    rows = {name: there[name] for name in wanted & estimated & there.keys()}
    for batch in _batches(counted):
        found = conn.execute(_query(batch)).fetchall()
        rows.update((batch[number], count) for number, count in found)
    return rows


def too_large(conn: Connection[Any], names: Iterable[Name]) -> frozenset[Name]:
    """Return the tables that are not worth counting."""
    large = {(t.schema, t.name) for t in read_tables(conn) if t.estimated_rows > COUNTED_ROWS}
    return frozenset(large & set(names))


def _batches(names: Sequence[Name]) -> Iterator[Sequence[Name]]:
    for start in range(0, len(names), TABLES_PER_QUERY):
        yield names[start : start + TABLES_PER_QUERY]


def _query(names: Sequence[Name]) -> sql.Composed:
    parts = (
        sql.SQL("select {} as number, count(*) as rows from {}").format(sql.Literal(number), sql.Identifier(*name))
        for number, name in enumerate(names)
    )
    return sql.SQL(" union all ").join(parts)
