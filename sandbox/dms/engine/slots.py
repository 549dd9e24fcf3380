"""Logical slots: made with an exported snapshot, dropped with the task."""

from __future__ import annotations

import secrets
import string
import threading
import uuid
from dataclasses import dataclass
from typing import Any

import psycopg
import psycopg2
from psycopg import sql

from sandbox.dms.engine.failures import Interrupted, TaskFailed
from sandbox.dms.engine.servers import Address

LETTERS = string.ascii_lowercase + string.digits


def new_slot_name() -> str:
    """Return a name that looks like DMS's: nobody may parse it."""
    first, second = (_letters(13), _letters(8))
    return f"{first}_{second}_{str(uuid.uuid4()).replace('-', '_')}"


def _letters(count: int) -> str:
    return "".join(secrets.choice(LETTERS) for _ in range(count))


@dataclass
class Snapshot:
    """A view of the source at ``position``, alive until closed."""

    name: str
    position: str
    keeper: Any

    def close(self) -> None:
        """Let the snapshot go; a temporary slot goes with it."""
        self.keeper.close()


def create_slot(
    address: Address, name: str, plugin: str, *, temporary: bool, stop: threading.Event, patience: float
) -> Snapshot:
    """Create a slot and export the snapshot at its consistent point.

    PostgreSQL waits here for every transaction that was open. ``patience``: seconds before that is given up.
    """
    keeper = address.replication()
    waiting = threading.Thread(target=_give_up, args=(keeper, done := threading.Event(), stop, patience), daemon=True)
    waiting.start()
    try:
        cursor = keeper.cursor()
        word = "TEMPORARY " if temporary else ""
        cursor.execute(f'CREATE_REPLICATION_SLOT "{name}" {word}LOGICAL "{plugin}" EXPORT_SNAPSHOT')
        _, position, snapshot, _ = cursor.fetchone()
    except psycopg2.errors.QueryCanceled:
        keeper.close()
        if stop.is_set():
            raise Interrupted from None
        raise TaskFailed("Timed out waiting for open transactions to end (TransactionConsistencyTimeout)") from None
    except BaseException:
        keeper.close()
        raise
    finally:
        done.set()
    return Snapshot(snapshot, position, keeper)


def _give_up(keeper: Any, done: threading.Event, stop: threading.Event, patience: float) -> None:
    waited = 0.0
    while not done.wait(0.05):
        waited += 0.05
        if stop.is_set() or waited > patience:
            keeper.cancel()
            return


def export_snapshot(connection: psycopg.Connection[Any]) -> Snapshot:
    """Export a snapshot without a slot, for a task that captures no changes."""
    connection.execute("begin isolation level repeatable read read only")
    row = connection.execute("select pg_catalog.pg_export_snapshot(), pg_catalog.pg_current_wal_lsn()::text").fetchone()
    assert row
    return Snapshot(row[0], row[1], connection)


def on_standby(connection: psycopg.Connection[Any]) -> bool:
    """Tell whether the server is a read replica."""
    row = connection.execute("select pg_catalog.pg_is_in_recovery()").fetchone()
    return bool(row and row[0])


def standby_snapshot(connection: psycopg.Connection[Any]) -> Snapshot:
    """Export a snapshot on a read replica at a moment in which it replays nothing, so that its place is known."""
    replayed = "select pg_catalog.pg_last_wal_replay_lsn()::text"
    while True:
        before = connection.execute(replayed).fetchone()
        connection.execute("begin isolation level repeatable read read only")
        row = connection.execute(f"select pg_catalog.pg_export_snapshot(), ({replayed})").fetchone()
        assert row and before
        if row[1] == before[0]:
            return Snapshot(row[0], row[1], connection)
        connection.execute("rollback")


def slot_exists(connection: psycopg.Connection[Any], name: str) -> bool:
    """Tell whether the slot is there."""
    query = "select 1 from pg_catalog.pg_replication_slots where slot_name = %s"
    return connection.execute(query, (name,)).fetchone() is not None


def drop_slot(address: Address, name: str) -> None:
    """Drop the slot if it is there, waiting a moment for its last reader to go."""
    with address.psycopg() as connection:
        for _ in range(50):
            try:
                if slot_exists(connection, name):
                    connection.execute(sql.SQL("select pg_catalog.pg_drop_replication_slot({})").format(name))
                return
            except psycopg.errors.ObjectInUse:
                connection.execute("select pg_catalog.pg_sleep(0.1)")


def preferred_plugin(connection: psycopg.Connection[Any], wanted: str) -> str:
    """Return the output plugin: pglogical where it is preloaded and created in this database, unless forced."""
    created = connection.execute("select 1 from pg_catalog.pg_extension where extname = 'pglogical'").fetchone()
    # Only a preloaded pglogical defines its settings; shared_preload_libraries itself is hidden from plain roles.
    preloaded = connection.execute(
        "select pg_catalog.current_setting('pglogical.conflict_resolution', true)"
    ).fetchone()
    usable = bool(created and preloaded and preloaded[0] is not None)
    if wanted == "test-decoding" or (wanted == "no-preference" and not usable):
        return "test_decoding"
    if not created:
        raise TaskFailed('PluginName pglogical was asked for, but extension "pglogical" does not exist in the database')
    if not usable:
        raise TaskFailed("pglogical is not in shared_preload_libraries")
    return "pglogical_output"
