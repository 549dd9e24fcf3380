"""Count infinite dates and timestamps. Reads whole tables: only where the spec asks for it. Changes nothing."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any

from psycopg import errors, sql

from pg_cdc.decisions.dms.table_mappings import parse_rules, selected_tables
from pg_cdc.facts.lob_sizes import TIMEOUT
from pg_cdc.sql_files import read_sql

if TYPE_CHECKING:
    from collections.abc import Sequence

    from psycopg import Connection

    from pg_cdc.config import Migration
    from pg_cdc.decisions.preflight.unseen import DateColumn, InfiniteDates
    from pg_cdc.decisions.world import Table


def count_infinite_dates(conn: Connection[Any], migration: Migration, tables: Sequence[Table]) -> InfiniteDates:
    """Return how many infinite values each date column of the selected tables has; None: its table cannot be read."""
    selected = {(table.schema, table.name) for table in selected_tables(parse_rules(migration.tables.rules), tables)}
    every = conn.execute(read_sql("source/list_date_columns.sql")).fetchall()
    columns = [column for column in every if column[:2] in selected]
    conn.execute(sql.SQL("SET statement_timeout = {}").format(sql.Literal(TIMEOUT)))
    found: dict[DateColumn, int | None] = {}
    for _, group in groupby(columns, key=lambda column: column[:2]):
        members = list(group)
        found |= dict(zip(members, _count(conn, members), strict=True))
    conn.execute("RESET statement_timeout")
    return found


def _count(conn: Connection[Any], columns: Sequence[DateColumn]) -> Sequence[int | None]:
    schema, table, _ = columns[0]
    counts = [
        sql.SQL("count(*) FILTER (WHERE NOT isfinite({}))").format(sql.Identifier(name)) for _, _, name in columns
    ]
    query = sql.SQL(read_sql("source/count_infinite_dates.sql")).format(
        counts=sql.SQL(", ").join(counts), relation=sql.Identifier(schema, table)
    )
    try:
        row: Sequence[int] | None = conn.execute(query).fetchone()
    except (errors.QueryCanceled, errors.InsufficientPrivilege):
        row = None
    return row or [None] * len(columns)
