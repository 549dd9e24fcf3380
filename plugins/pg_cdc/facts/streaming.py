"""Read slots, their ledger and the marker. Changes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from psycopg import errors

from pg_cdc.decisions.dms.streaming import LedgerRow, Marker, SlotChoice, SlotReader, find_task_slot
from pg_cdc.decisions.world import Slot
from pg_cdc.facts.postgres import read_rows

if TYPE_CHECKING:
    import psycopg

    from pg_cdc.config import Migration


def read_slot_readers(conn: psycopg.Connection[Any]) -> tuple[SlotReader, ...]:
    """Return every slot of the server with the role that reads it."""
    rows = read_rows(conn, "source/list_slot_readers.sql")
    return tuple(
        SlotReader(
            slot=Slot(name=row["slot_name"], **{k: v for k, v in row.items() if k not in ("slot_name", "role")}),
            role=row["role"],
        )
        for row in rows
    )


def has_ledger(conn: psycopg.Connection[Any]) -> bool:
    """Tell whether the ledger of slots was made."""
    return bool(read_rows(conn, "source/check_slot_owner.sql")[0]["made"])


def read_ledger(conn: psycopg.Connection[Any]) -> tuple[LedgerRow, ...]:
    """Return the ledger of slots; empty where there is none."""
    return tuple(LedgerRow(**row) for row in read_rows(conn, "source/list_slot_owners.sql")) if has_ledger(conn) else ()


def marker_state(conn: psycopg.Connection[Any], role: str) -> tuple[bool, bool]:
    """Return whether the marker table is there, and whether ``role`` may read it."""
    row = read_rows(conn, "source/check_marker.sql", {"role": role})[0]
    return row["made"], row["readable"]


def read_marker(conn: psycopg.Connection[Any], migration: str) -> Marker | None:
    """Return the marker as the source has it."""
    rows = read_rows(conn, "source/read_marker.sql", {"migration": migration})
    return Marker(token=rows[0]["token"], stream=rows[0]["stream"], seconds=rows[0]["seen_seconds"]) if rows else None


def read_target_token(conn: psycopg.Connection[Any], migration: str) -> str | None:
    """Return the token that has arrived; None: none, or DMS has not made the table yet."""
    try:
        rows = read_rows(conn, "target/read_marker.sql", {"migration": migration})
    except (errors.UndefinedTable, errors.InvalidSchemaName):
        return None
    return rows[0]["token"] if rows else None


def read_arrived_token(migration: Migration) -> str | None:
    """Return the token that has arrived, in the target's table or in the files of its bucket; None: none yet."""
    if migration.lake.bucket:
        from pg_cdc.facts.lake.bucket import read_lake_token

        return read_lake_token(migration)
    from pg_cdc.hooks.postgres import connect_target

    with connect_target(migration) as conn:
        return read_target_token(conn, migration.name)


@contextmanager
def slots_of(conn: psycopg.Connection[Any], migration: Migration) -> Iterator[psycopg.Connection[Any]]:
    """Yield a connection to the server that has the task's slot: the source's own, or one to the replica it reads."""
    if not migration.source.read_from:
        yield conn
        return
    from pg_cdc.facts.ends import read_reader
    from pg_cdc.facts.replica import connect_replica

    with connect_replica(migration, read_reader(migration)) as there:
        yield there


def choose_slot(conn: psycopg.Connection[Any], migration: Migration, task_arn: str) -> SlotChoice:
    """Return which slot is the task's, as far as the source and the ledger tell."""
    with slots_of(conn, migration) as there:
        readers = read_slot_readers(there)
    return find_task_slot(
        readers,
        read_ledger(conn),
        task_arn=task_arn,
        role=migration.dms_role.name,
        database=migration.source.database,
    )
