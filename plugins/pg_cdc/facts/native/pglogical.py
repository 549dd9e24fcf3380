"""Read what native replication by pglogical has on either end; never its DSNs, which hold passwords."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pg_cdc.decisions.native import names as native_names
from pg_cdc.decisions.native.pglogical import (
    SUBSCRIPTION,
    PglogicalCopy,
    PglogicalEnd,
    is_pglogical,
    replication_set,
)
from pg_cdc.decisions.native.world import Name, Subscription
from pg_cdc.decisions.slots.world import OwnerKind
from pg_cdc.facts.postgres import read_rows
from pg_cdc.facts.streaming import read_ledger

if TYPE_CHECKING:
    from psycopg import Connection

    from pg_cdc.config import Migration

FIRST_WITH_PROGRESS = 140000


def read_end(conn: Connection[Any], migration: Migration) -> PglogicalEnd:
    """Return pglogical as it is in the database of ``conn``."""
    (row,) = read_rows(conn, "source/read_pglogical.sql")
    made = frozenset((one["kind"], one["name"]) for one in _made(conn, migration))
    if row["version"] is None:
        return PglogicalEnd(schema=row["schema"], made=made)
    (found,) = read_rows(conn, "native/read_pglogical_node.sql")
    return PglogicalEnd(
        version=row["version"],
        schema=row["schema"],
        node=found["node"],
        subscriptions=tuple(found["subscriptions"]),
        sets=tuple(found["sets"]),
        made=made,
    )


def _made(conn: Connection[Any], migration: Migration) -> list[dict[str, Any]]:
    there = conn.execute("SELECT to_regclass('pgcdc_native.pglogical_made') IS NOT NULL").fetchone()
    if there is None or not there[0]:
        return []
    return list(read_rows(conn, "native/list_pglogical_made.sql", {"migration": migration.name}))


def read_set(conn: Connection[Any], migration: Migration) -> frozenset[Name] | None:
    """Return the tables of the replication set, None: there is no such set."""
    name = replication_set(migration)
    if name not in read_end(conn, migration).sets:
        return None
    rows = read_rows(conn, "native/list_pglogical_set.sql", {"name": name})
    return frozenset((row["schema"], row["table"]) for row in rows)


def read_generated(conn: Connection[Any]) -> frozenset[Name]:
    """Return the tables with generated columns."""
    return frozenset((row["schema"], row["table"]) for row in read_rows(conn, "native/list_generated.sql"))


def read_copy(conn: Connection[Any], migration: Migration) -> PglogicalCopy | None:
    """Return how far the copy is, None: there is no subscription."""
    row = _subscription(conn, migration)
    if row is None:
        return None
    fields = ("status", "sync", "tables", "tables_not_ready")
    return PglogicalCopy(**{field: row[field] for field in fields})


def read_pglogical_subscription(conn: Connection[Any], migration: Migration) -> Subscription | None:
    """Return the subscription as if it were PostgreSQL's own; the comment is ours when our book has it."""
    row = _subscription(conn, migration)
    if row is None:
        return None
    name = native_names.subscription(migration)
    ours = (SUBSCRIPTION, name) in read_end(conn, migration).made
    return Subscription(
        oid=row["oid"],
        enabled=row["enabled"],
        slot_name=row["slot_name"],
        publications=tuple(row["publications"]),
        comment=native_names.comment(migration) if ours else None,
        tables=row["tables"],
        tables_not_ready=row["tables_not_ready"],
        worker_pid=row["worker_pid"],
    )


def _subscription(conn: Connection[Any], migration: Migration) -> dict[str, Any] | None:
    (there,) = read_rows(conn, "source/read_pglogical.sql")
    if there["version"] is None:
        return None
    rows = read_rows(conn, "native/read_pglogical_subscription.sql", {"name": native_names.subscription(migration)})
    return rows[0] if rows else None


def name_slot(target: Connection[Any], migration: Migration, provider: str) -> str:
    """Return what pglogical calls the slot of the subscription to node ``provider``."""
    parameters = {"node": provider, "name": native_names.subscription(migration)}
    return str(read_rows(target, "native/read_pglogical_slot_name.sql", parameters)[0]["slot_name"])


def slot_name(source: Connection[Any], migration: Migration) -> str:
    """Return the slot of the migration: of pglogical's, the one that the ledger gives to its subscription."""
    if is_pglogical(migration):
        for row in read_ledger(source):
            if (row.owner_kind, row.owner_id) == (
                OwnerKind.PGLOGICAL_SUBSCRIPTION.value,
                native_names.owner_id(migration),
            ):
                return row.slot_name
    return native_names.slot(migration)


def tell_copies(conn: Connection[Any]) -> str:
    """Return, in words, which tables are being copied now; empty: none, or the server does not tell."""
    if conn.info.server_version < FIRST_WITH_PROGRESS:
        return ""
    rows = read_rows(conn, "native/list_pglogical_copies.sql")
    return ", ".join(f"{row['table']}: {row['rows']} rows, {row['bytes']} bytes" for row in rows)
