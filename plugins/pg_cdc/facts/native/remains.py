"""Read what native replication has left on both ends, as far as they can be reached. Changes nothing."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from psycopg import sql
from psycopg.rows import dict_row

from pg_cdc.config.teardown import Keep, Teardown
from pg_cdc.decisions.native import names as native_names
from pg_cdc.decisions.native.teardown import SOURCE_BOOKS, TARGET_BOOKS, NativeRemains, native_items
from pg_cdc.facts.native.objects import has_source_books, has_target_books, read_publication, read_subscription
from pg_cdc.facts.native.pglogical import read_end, read_pglogical_subscription
from pg_cdc.facts.postgres import read_rows
from pg_cdc.facts.teardown.residue_ends import open_source, open_target
from pg_cdc.sql_files import read_sql

if TYPE_CHECKING:
    from psycopg import Connection

    from pg_cdc.config import Migration
    from pg_cdc.decisions.native.world import Name
    from pg_cdc.decisions.teardown.residue import Trace
    from pg_cdc.decisions.teardown.sql import Item
    from pg_cdc.facts.teardown.residue_ends import SourceEnd, TargetEnd


def native_traces(migration: Migration, teardown: Teardown) -> tuple[Trace, ...]:
    """Return every thing of native replication, on either end."""
    with open_source(migration) as source, open_target(migration) as target:
        return tuple(item.trace for item in read_native_items(source, target, migration, teardown))


def read_native_items(
    source: SourceEnd, target: TargetEnd, migration: Migration, teardown: Teardown
) -> tuple[Item, ...]:
    """Return the same as items, whose actions the steps know."""
    found = read_remains(source, target, migration)
    return native_items(found, source_stays=teardown.keeps(Keep.SOURCE), target_stays=teardown.keeps(Keep.TARGET))


def read_remains(source: SourceEnd, target: TargetEnd, migration: Migration) -> NativeRemains:
    """Return everything of the migration that is there."""
    found: dict[str, Any] = {"source_why": source.why, "target_why": target.why}
    if source.conn is not None:
        found |= _on_source(source.conn, migration)
    if target.conn is not None:
        found |= _on_target(target.conn, migration)
    return NativeRemains(migration=migration, **found)


def _on_source(conn: Connection[Any], migration: Migration) -> dict[str, Any]:
    return {
        "publication": read_publication(conn, native_names.publication(migration)),
        "identities": read_identities(conn, migration),
        "pglogical_source": read_end(conn, migration),
        "source_books": has_source_books(conn) and _holds_ours(conn, SOURCE_BOOKS, migration),
    }


def _on_target(conn: Connection[Any], migration: Migration) -> dict[str, Any]:
    return {
        "subscription": read_subscription(conn, native_names.subscription(migration)),
        "pglogical_subscription": read_pglogical_subscription(conn, migration),
        "pglogical_target": read_end(conn, migration),
        "target_books": has_target_books(conn) and _holds_ours(conn, TARGET_BOOKS, migration),
    }


def _holds_ours(conn: Connection[Any], books: Iterable[str], migration: Migration) -> bool:
    counts = [_count(conn, book, migration) for book in books]
    return any(one["own"] for one in counts) or not any(one["all_rows"] for one in counts)


def books_are_empty(conn: Connection[Any], books: Iterable[str], migration: Migration) -> bool:
    """Tell whether no migration has anything in these books."""
    return not any(_count(conn, book, migration)["all_rows"] for book in books)


def read_identities(conn: Connection[Any], migration: Migration) -> tuple[tuple[Name, str], ...]:
    """Return the tables of the source that have the identity we gave them, with the one that they had."""
    if not has_source_books(conn):
        return ()
    rows = read_rows(conn, "native/list_identities_before.sql", {"migration": migration.name})
    return tuple(((row["schema"], row["table"]), row["identity"]) for row in rows)


def _count(conn: Connection[Any], book: str, migration: Migration) -> dict[str, int]:
    query = sql.SQL(read_sql("native/count_books.sql")).format(table=sql.Identifier(book))
    with conn.cursor(row_factory=dict_row) as cursor:
        (row,) = cursor.execute(query, {"migration": migration.name}).fetchall()
    return row
