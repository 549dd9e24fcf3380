"""Make and drop the objects of pglogical. Each says what it changed, if anything; no DSN is in any statement's text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import errors, sql
from psycopg.conninfo import make_conninfo

from pg_cdc.decisions.dms.streaming import LedgerRow
from pg_cdc.decisions.native import names as native_names
from pg_cdc.decisions.native.pglogical import (
    EXTENSION,
    LIBRARY,
    NODE,
    PLUGIN,
    SET,
    SUBSCRIPTION,
    PglogicalEnd,
    node,
    replication_set,
)
from pg_cdc.decisions.native.publication import MARKER
from pg_cdc.decisions.native.world import Name, written
from pg_cdc.decisions.slots.world import OwnerKind
from pg_cdc.decisions.teardown.residue import Place
from pg_cdc.failures import NotYet, PreflightFailed
from pg_cdc.hooks.control_tables import ensure_ledger
from pg_cdc.hooks.ddl_audit import grant_pglogical, install_pglogical
from pg_cdc.hooks.native.subscription import REACH, with_settings
from pg_cdc.sql_files import read_sql

if TYPE_CHECKING:
    from collections.abc import Iterable

    from psycopg import Connection

    from pg_cdc.config import Migration
    from pg_cdc.hooks.postgres import Credentials


def ensure_extension(
    conn: Connection[Any], migration: Migration, found: PglogicalEnd, *, role: str | None
) -> tuple[str, ...]:
    """Make the extension where it is missing. ``role``: who reads through it; None: nobody but its own workers."""
    changes: tuple[str, ...] = ()
    if found.version is None:
        _note(conn, migration, EXTENSION, LIBRARY)
        changes += install_pglogical(conn, migration.name)
    if role and (found.version is None or not _may_use(conn, role)):
        changes += grant_pglogical(conn, role)
    return changes


def _may_use(conn: Connection[Any], role: str) -> bool:
    return bool(conn.execute(read_sql("source/check_pglogical.sql"), {"role": role}).fetchone()[3])  # type: ignore[index]


def create_node(credentials: Credentials, migration: Migration, end: Place, conninfo: str) -> tuple[str, ...]:
    """Make the node of a database, with the address at which its server finds it."""
    name = node(migration, end)
    settings = {"pgcdc.node": name, "pgcdc.connection": conninfo.encode().hex()}
    with with_settings(credentials, settings).connect() as conn, conn.transaction():
        _note(conn, migration, NODE, name)
        conn.execute(read_sql("native/create_pglogical_node.sql"))
    return (f"created node {name} of pglogical",)


def own_conninfo(credentials: Credentials, *, host: str, port: int, password: bool) -> str:
    """Return how a server finds a database of its own; it verifies no certificate of itself."""
    secret = {"password": credentials.password} if password else {}
    return make_conninfo(
        "", host=host, port=port, dbname=credentials.dbname, user=credentials.user, sslmode="require", **secret
    )


def create_set(conn: Connection[Any], migration: Migration) -> tuple[str, ...]:
    """Make the replication set."""
    name = replication_set(migration)
    _note(conn, migration, SET, name)
    conn.execute(read_sql("source/create_pglogical_set.sql"), {"name": name})
    return (f"created replication set {name}",)


def change_set(
    conn: Connection[Any], migration: Migration, *, add: Iterable[Name], remove: Iterable[Name]
) -> tuple[str, ...]:
    """Add tables to the replication set and take others out."""
    name = replication_set(migration)
    for schema, table in remove:
        conn.execute(read_sql("native/drop_pglogical_table.sql"), {"name": name, "schema": schema, "table": table})
    added = sorted(add)
    for one in added:
        only = sql.SQL("migration = {}").format(sql.Literal(migration.name)).as_string(conn) if one == MARKER else None
        values = {"name": name, "schema": one[0], "table": one[1], "filter": only}
        conn.execute(read_sql("native/add_pglogical_table.sql"), values)
    return (f"replication set {name}: {', '.join(map(written, added)) or 'nothing new'}",)


def record_slot(conn: Connection[Any], migration: Migration, slot: str) -> tuple[str, ...]:
    """Record the slot as the subscription's, before pglogical makes it."""
    changes = ensure_ledger(conn)
    row = LedgerRow(
        slot_name=slot,
        owner_kind=OwnerKind.PGLOGICAL_SUBSCRIPTION.value,
        owner_id=native_names.owner_id(migration),
        migration=migration.name,
        plugin=PLUGIN,
        how="made by pglogical for the subscription of this migration",
    )
    conn.execute(read_sql("source/record_slot_owner.sql"), vars(row))
    return (*changes, f"recorded slot {slot} as that of {row.owner_id}")


def create_subscription(target: Credentials, migration: Migration, conninfo: str) -> tuple[str, ...]:
    """Make the subscription, which begins to copy.

    :raises PreflightFailed: the target does not reach the source with that login.
    """
    name = native_names.subscription(migration)
    settings = {
        "pgcdc.connection": conninfo.encode().hex(),
        "pgcdc.subscription": name,
        "pgcdc.publication": replication_set(migration),
    }
    try:
        with with_settings(target, settings).connect() as conn, conn.transaction():
            _note(conn, migration, SUBSCRIPTION, name)
            conn.execute(read_sql("native/create_pglogical_subscription.sql"))
    except errors.DuplicateObject as err:
        raise NotYet(f"subscription {name} was made by somebody else just now ({err.sqlstate})") from None
    except psycopg.Error as err:
        raise PreflightFailed(
            found=f"pglogical on the target: {err.diag.message_primary} ({err.sqlstate})",
            expected=f"a way from the target's server to {migration.source.identifier}, and the role's login",
            next=REACH,
        ) from None
    return (f"created subscription {name} of pglogical, which copies the rows",)


def enable_subscription(conn: Connection[Any], migration: Migration) -> tuple[str, ...]:
    """Let the subscription go on."""
    name = native_names.subscription(migration)
    conn.execute(read_sql("native/enable_pglogical_subscription.sql"), {"name": name})
    return (f"enabled subscription {name}",)


def drop_subscription(conn: Connection[Any], migration: Migration) -> tuple[str, ...]:
    """Drop the subscription, and its slot where its server is reached."""
    name = native_names.subscription(migration)
    conn.execute(read_sql("native/drop_pglogical_subscription.sql"), {"name": name})
    return (f"dropped subscription {name} of pglogical",)


def drop_set(conn: Connection[Any], migration: Migration) -> tuple[str, ...]:
    """Drop the replication set."""
    name = replication_set(migration)
    conn.execute(read_sql("source/drop_pglogical_set.sql"), {"name": name})
    return (f"dropped replication set {name}",)


def drop_node(conn: Connection[Any], migration: Migration, end: Place) -> tuple[str, ...]:
    """Drop the node that we made."""
    name = node(migration, end)
    conn.execute(read_sql("native/drop_pglogical_node.sql"), {"name": name})
    return (f"dropped node {name} of pglogical",)


def drop_extension(conn: Connection[Any]) -> tuple[str, ...]:
    """Drop the extension and its schema."""
    with conn.transaction():
        conn.execute(read_sql("source/drop_pglogical.sql"))
    return ("dropped extension pglogical",)


def _note(conn: Connection[Any], migration: Migration, kind: str, name: str) -> None:
    values = {"migration": migration.name, "kind": kind, "name": name}
    conn.execute(read_sql("native/record_pglogical_made.sql"), values)
