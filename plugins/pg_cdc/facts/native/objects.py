"""Read what native replication has on either end. Changes nothing."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from pg_cdc.decisions.native import names as native_names
from pg_cdc.decisions.native.world import (
    Column,
    Columns,
    LoadedTable,
    LoadFacts,
    Name,
    NativeSlot,
    Publication,
    PublishedTable,
    Snapshot,
    Subscription,
    written,
)
from pg_cdc.facts.postgres import read_rows

if TYPE_CHECKING:
    from psycopg import Connection

    from pg_cdc.config import Migration


def has_source_books(conn: Connection[Any]) -> bool:
    """Tell whether the source's books are made."""
    return bool(read_rows(conn, "native/check_books.sql")[0]["source_made"])


def has_target_books(conn: Connection[Any]) -> bool:
    """Tell whether the target's books are made."""
    return bool(read_rows(conn, "native/check_books.sql")[0]["target_made"])


def read_publication(conn: Connection[Any], name: str) -> Publication | None:
    """Return the publication, None: there is none."""
    rows = read_rows(conn, "native/read_publication.sql", {"publication": name})
    if not rows:
        return None
    row = rows[0]
    tables = frozenset((schema, table) for schema, table in row["tables"])
    return Publication(all_tables=row["all_tables"], comment=row["comment"], tables=tables)


def read_subscription(conn: Connection[Any], name: str) -> Subscription | None:
    """Return the subscription of the target's database, None: there is none."""
    rows = read_rows(conn, "native/read_subscription.sql", {"subscription": name})
    return Subscription(**{**rows[0], "publications": tuple(rows[0]["publications"])}) if rows else None


def read_slot(conn: Connection[Any], name: str) -> NativeSlot | None:
    """Return the slot, None: there is none."""
    rows = read_rows(conn, "native/read_slot.sql", {"slot_name": name})
    return NativeSlot(**rows[0]) if rows else None


def read_snapshot(conn: Connection[Any], migration: Migration) -> Snapshot | None:
    """Return the snapshot of the migration, None: there was none yet."""
    if not has_source_books(conn):
        return None
    rows = read_rows(conn, "native/read_snapshot.sql", {"migration": migration.name})
    return Snapshot(**rows[0]) if rows else None


def count_loaders(conn: Connection[Any], migration: Migration) -> int:
    """Return how many sessions copy now."""
    parameters = {"application_name": native_names.loader(migration)}
    return int(read_rows(conn, "native/read_loaders.sql", parameters)[0]["sessions"])


def read_slot_waits(conn: Connection[Any], migration: Migration) -> tuple[str, ...]:
    """Return, in words, the transactions that a new slot waits for."""
    parameters = {"application_name": native_names.keeper(migration)}
    rows = read_rows(conn, "native/list_slot_waits.sql", parameters)
    return tuple(
        f"{row['application'] or 'a session'} of {row['role']} (pid {row['pid']}), open for {row['seconds']} s"
        for row in rows
    )


def read_published(conn: Connection[Any], publication: str) -> tuple[PublishedTable, ...]:
    """Return the tables whose rows the publication carries, the largest first."""
    rows = read_rows(conn, "native/list_published.sql", {"publication": publication})
    return tuple(
        PublishedTable(name=(row["schema"], row["table"]), bytes=row["bytes"], estimated_rows=row["estimated_rows"])
        for row in rows
    )


def read_columns(conn: Connection[Any], tables: Iterable[Name]) -> Columns:
    """Return the columns of those of ``tables`` that are there."""
    found: dict[Name, list[Column]] = {}
    for row in read_rows(conn, "native/list_columns.sql", {"tables": [written(name) for name in tables]}):
        column = Column(name=row["name"], type=row["type"], generated=row["generated"], binary=row["binary"])
        found.setdefault((row["schema"], row["table"]), []).append(column)
    return {name: tuple(columns) for name, columns in found.items()}


def read_loaded(conn: Connection[Any], migration: str) -> dict[Name, LoadedTable]:
    """Return what a migration has loaded, whenever that was."""
    if not has_target_books(conn):
        return {}
    rows = read_rows(conn, "native/list_loaded.sql", {"migration": migration})
    tables = (LoadedTable(name=(row.pop("schema"), row.pop("table")), **row) for row in rows)
    return {table.name: table for table in tables}


def read_copied_schema(conn: Connection[Any], migration: str) -> frozenset[Name]:
    """Return the tables that a migration has made on the target."""
    if not has_target_books(conn):
        return frozenset()
    rows = read_rows(conn, "native/list_copied_schema.sql", {"migration": migration})
    return frozenset((row["schema"], row["table"]) for row in rows)


def read_load(source: Connection[Any], target: Connection[Any], migration: Migration) -> LoadFacts:
    """Return what is to be loaded, and what is."""
    published = read_published(source, native_names.publication(migration))
    tables = [table.name for table in published]
    return LoadFacts(
        snapshot=read_snapshot(source, migration),
        published=published,
        loaded=read_loaded(target, migration.name),
        source_columns=read_columns(source, tables),
        target_columns=read_columns(target, tables),
    )
