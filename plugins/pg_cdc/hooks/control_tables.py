"""Write the tables of schema pgcdc on the source that DMS steps need. Each says what it changed, if anything."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from psycopg import sql

from pg_cdc.decisions.dms.streaming import DMS_TASK, LedgerRow
from pg_cdc.facts.postgres import ensure_control_schema
from pg_cdc.facts.streaming import has_ledger, marker_state
from pg_cdc.sql_files import read_sql

if TYPE_CHECKING:
    import psycopg

    from pg_cdc.decisions.world import Slot


def ensure_marker(conn: psycopg.Connection[Any], role: str) -> tuple[str, ...]:
    """Make the marker table readable for ``role``. DMS selects tables when the task starts: it must be there then."""
    made, readable = marker_state(conn, role)
    changes = []
    if not made:
        ensure_control_schema(conn)
        conn.execute(read_sql("source/create_marker.sql"))
        changes.append("created table pgcdc.marker on the source")
    if not readable:
        conn.execute(sql.SQL(read_sql("source/grant_marker.sql")).format(role=sql.Identifier(role)))
        changes.append(f"granted SELECT on pgcdc.marker to {role}")
    return tuple(changes)


def ensure_ledger(conn: psycopg.Connection[Any]) -> tuple[str, ...]:
    """Make the ledger of slots where it is missing."""
    if has_ledger(conn):
        return ()
    ensure_control_schema(conn)
    conn.execute(read_sql("source/create_slot_owner.sql"))
    return ("created table pgcdc.slot_owner on the source",)


def note_slots_before_start(conn: psycopg.Connection[Any], migration: str) -> None:
    """Note the slots that are there before a task starts."""
    conn.execute(read_sql("source/note_slots_before_start.sql"), {"migration": migration})


def record_slot(conn: psycopg.Connection[Any], slot: Slot, *, task_arn: str, migration: str, how: str) -> LedgerRow:
    """Record ``slot`` as the task's."""
    row = LedgerRow(
        slot_name=slot.name,
        owner_kind=DMS_TASK,
        owner_id=task_arn,
        migration=migration,
        plugin=slot.plugin or "",
        how=how,
    )
    conn.execute(read_sql("source/record_slot_owner.sql"), vars(row))
    return row


def write_marker(conn: psycopg.Connection[Any], migration: str, stream: str) -> str:
    """Write a new marker for ``stream`` and return its token."""
    token = uuid.uuid4().hex
    values = {"migration": migration, "token": token, "stream": stream}
    conn.execute(read_sql("source/write_marker.sql"), values)
    return token


def confirm_marker(conn: psycopg.Connection[Any], migration: str, token: str) -> None:
    """Note that the marker has arrived, and after how long."""
    conn.execute(read_sql("source/confirm_marker.sql"), {"migration": migration, "token": token})
