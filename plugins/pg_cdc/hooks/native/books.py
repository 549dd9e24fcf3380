"""Write the books of native replication, and its row in the ledger of slots. Each says what it changed, if anything."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pg_cdc.decisions.dms.streaming import LedgerRow
from pg_cdc.decisions.native import names as native_names
from pg_cdc.decisions.native.world import LoadedTable, Name
from pg_cdc.decisions.slots.world import OwnerKind
from pg_cdc.facts.native.objects import has_source_books, has_target_books
from pg_cdc.facts.native.pglogical import slot_name
from pg_cdc.facts.streaming import read_ledger
from pg_cdc.hooks.control_tables import ensure_ledger
from pg_cdc.sql_files import read_sql

if TYPE_CHECKING:
    from psycopg import Connection

    from pg_cdc.config import Migration

PLUGIN = "pgoutput"


def ensure_source_books(conn: Connection[Any]) -> tuple[str, ...]:
    """Make the source's books where they are missing."""
    if has_source_books(conn):
        return ()
    conn.execute(read_sql("native/create_source_books.sql"))
    return ("created schema pgcdc_native on the source",)


def ensure_target_books(conn: Connection[Any]) -> tuple[str, ...]:
    """Make the target's books where they are missing."""
    if has_target_books(conn):
        return ()
    conn.execute(read_sql("native/create_target_books.sql"))
    return ("created schema pgcdc_native on the target",)


def owns_slot(conn: Connection[Any], migration: Migration) -> bool:
    """Tell whether the ledger gives the migration's slot to its subscription."""
    wanted = (slot_name(conn, migration), native_names.owner_id(migration))
    return any((row.slot_name, row.owner_id) == wanted for row in read_ledger(conn))


def record_owner(conn: Connection[Any], migration: Migration) -> tuple[str, ...]:
    """Record the slot as the subscription's, before there is one: a crash must not leave it without an owner."""
    if owns_slot(conn, migration):
        return ()
    changes = ensure_ledger(conn)
    row = LedgerRow(
        slot_name=native_names.slot(migration),
        owner_kind=OwnerKind.NATIVE_SUBSCRIPTION.value,
        owner_id=native_names.owner_id(migration),
        migration=migration.name,
        plugin=PLUGIN,
        how="made by this migration for its subscription",
    )
    conn.execute(read_sql("source/record_slot_owner.sql"), vars(row))
    return (*changes, f"recorded slot {row.slot_name} as that of {row.owner_id}")


def record_snapshot(
    conn: Connection[Any], migration: Migration, *, consistent_point: str, snapshot_name: str, keeper_pid: int
) -> None:
    """Record the snapshot that the session ``keeper_pid`` holds."""
    values = {
        "migration": migration.name,
        "slot_name": native_names.slot(migration),
        "consistent_point": consistent_point,
        "snapshot_name": snapshot_name,
        "keeper_pid": keeper_pid,
    }
    conn.execute(read_sql("native/record_snapshot.sql"), values)


def note_loaded(conn: Connection[Any], migration: Migration, consistent_point: str) -> bool:
    """Note that all is loaded as of ``consistent_point``; tell whether that was news."""
    values = {"migration": migration.name, "consistent_point": consistent_point}
    return conn.execute(read_sql("native/note_loaded.sql"), values).rowcount > 0


def record_loaded(conn: Connection[Any], migration: str, loaded: LoadedTable) -> None:
    """Record a table as loaded, in the transaction that ``conn`` has open."""
    schema, table = loaded.name
    values = {**vars(loaded), "migration": migration, "schema": schema, "table": table}
    del values["name"]
    conn.execute(read_sql("native/record_loaded.sql"), values)


def record_copied_schema(conn: Connection[Any], migration: str, tables: list[Name]) -> None:
    """Record tables as made by a migration, in the transaction that makes them."""
    values = {
        "migration": migration,
        "schemas": [schema for schema, _ in tables],
        "tables": [table for _, table in tables],
    }
    conn.execute(read_sql("native/record_copied_schema.sql"), values)
