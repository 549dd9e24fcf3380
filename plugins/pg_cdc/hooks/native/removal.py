"""Remove what native replication made. Each says what it changed, if anything."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from psycopg import sql

from pg_cdc.decisions.native import names as native_names
from pg_cdc.decisions.native.world import Name, written
from pg_cdc.facts.native.remains import books_are_empty
from pg_cdc.sql_files import read_sql

if TYPE_CHECKING:
    from psycopg import Connection

    from pg_cdc.config import Migration

HAS_OURS = """
SELECT FROM pg_class AS rel JOIN pg_namespace AS space ON space.oid = rel.relnamespace
WHERE space.nspname = %s AND rel.relname = %s AND rel.relreplident = 'f'
"""
IDENTITIES = {"d": "DEFAULT", "n": "NOTHING"}


def drop_publication(conn: Connection[Any], migration: Migration) -> tuple[str, ...]:
    """Drop the publication."""
    name = native_names.publication(migration)
    conn.execute(sql.SQL("DROP PUBLICATION {}").format(sql.Identifier(name)))
    return (f"dropped publication {name}",)


def put_identities_back(conn: Connection[Any], identities: Iterable[tuple[Name, str]]) -> tuple[str, ...]:
    """Give tables the replica identity that they had, where they still have ours."""
    changes = []
    for table, identity in identities:
        if conn.execute(HAS_OURS, table).fetchone() is None:
            continue
        command = sql.SQL("ALTER TABLE {} REPLICA IDENTITY {}")
        conn.execute(command.format(sql.Identifier(*table), sql.SQL(IDENTITIES.get(identity, "DEFAULT"))))
        changes.append(f"put the replica identity of {written(table)} back")
    return tuple(changes)


def forget_books(conn: Connection[Any], books: Sequence[str], migration: Migration, *, end: str) -> tuple[str, ...]:
    """Delete the migration's rows, and the books with the last migration's."""
    rows = 0
    for book in books:
        command = sql.SQL(read_sql("native/forget_books.sql")).format(table=sql.Identifier(book))
        rows += conn.execute(command, {"migration": migration.name}).rowcount
    changes: tuple[str, ...] = (f"deleted {rows} rows of pgcdc_native on the {end}",) if rows else ()
    if books_are_empty(conn, books, migration):
        conn.execute(read_sql(f"native/drop_{end}_books.sql"))
        changes += (f"dropped schema pgcdc_native on the {end}",)
    return changes


def forget_rows(conn: Connection[Any], table: str, migration: Migration) -> tuple[str, ...]:
    """Delete the migration's rows from a table of schema pgcdc."""
    command = sql.SQL(read_sql("source/forget_migration.sql")).format(table=sql.Identifier(table))
    rows = conn.execute(command, {"migration": migration.name}).rowcount
    return (f"deleted {rows} rows of pgcdc.{table}",) if rows else ()
