"""Drop a slot, or end the session that reads it: each in one statement that looks again at that instant."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from psycopg import errors

from pg_cdc.facts.ends import read_source
from pg_cdc.facts.postgres import read_rows
from pg_cdc.facts.streaming import has_ledger
from pg_cdc.failures import NotOurs
from pg_cdc.hooks.postgres import connect_source
from pg_cdc.hooks.slots.book import lsn_text
from pg_cdc.sql_files import read_sql

if TYPE_CHECKING:
    import psycopg

    from pg_cdc.config import Migration
    from pg_cdc.decisions.slots.world import Owner, SlotRow


@dataclass(frozen=True, kw_only=True)
class DropResult:
    """Whether the slot was dropped, and why or why not."""

    dropped: bool
    text: str


@dataclass(frozen=True, kw_only=True)
class TerminateResult:
    """Whether a session was told to end, and why or why not."""

    told: bool
    text: str


def drop_slot(migration: Migration, identifier: str, slot: SlotRow, owner: Owner) -> DropResult:
    """Drop ``slot`` of the server ``identifier``, if it is still inactive, ``owner``'s, and where it was seen.

    :raises NotOurs: the server of ``migration`` is another one.
    """
    _same_server(migration, identifier)
    with connect_source(migration, read_source(migration), dbname=slot.database) as conn:
        return drop_on(conn, slot, owner)


def drop_on(conn: psycopg.Connection[Any], slot: SlotRow, owner: Owner) -> DropResult:
    """Drop ``slot`` through ``conn``, which is to its own database."""
    if not has_ledger(conn):
        return _kept(slot, "there is no ledger of slots in its database")
    values = _expected(slot, owner)
    try:
        dropped = conn.execute(read_sql("hygiene/drop_slot.sql"), values).fetchall()
    except errors.ObjectInUse:
        return _kept(slot, "somebody began to read it at that instant")
    except errors.UndefinedObject:
        return _kept(slot, "it was gone at that instant")
    if dropped:
        return DropResult(dropped=True, text=f"slot {slot.name} dropped: {owner.kind.value} {owner.owner_id} is gone")
    return _kept(slot, _what_differs(read_rows(conn, "hygiene/read_slot.sql", {"name": slot.name}), values))


def terminate_backend(migration: Migration, identifier: str, slot: str, pid: int) -> TerminateResult:
    """End the session ``pid`` that reads ``slot``. Only for a slot that a person named.

    :raises NotOurs: the server of ``migration`` is another one.
    """
    _same_server(migration, identifier)
    with connect_source(migration, read_source(migration)) as conn:
        rows = read_rows(conn, "hygiene/close_slot_reader.sql", {"name": slot, "pid": pid})
    told = any(row["told"] for row in rows)
    text = "was told to end" if told else "no longer reads it"
    return TerminateResult(told=told, text=f"session {pid} of slot {slot} {text}")


def _same_server(migration: Migration, identifier: str) -> None:
    if migration.source.identifier != identifier:
        raise NotOurs(
            found=f"slot of {identifier}, and migration {migration.name} on {migration.source.identifier}",
            expected="a migration of that server: slots of one name may be on both",
            next="run slot hygiene again",
        )


def _expected(slot: SlotRow, owner: Owner) -> dict[str, Any]:
    return {
        "name": slot.name,
        "plugin": slot.plugin,
        "restart_lsn": lsn_text(slot.restart_lsn),
        "confirmed_flush_lsn": lsn_text(slot.confirmed_flush_lsn),
        "owner_kind": owner.kind.value,
        "owner_id": owner.owner_id,
    }


def _kept(slot: SlotRow, why: str) -> DropResult:
    return DropResult(dropped=False, text=f"slot {slot.name} not dropped: {why}")


def _what_differs(rows: list[dict[str, Any]], expected: Mapping[str, Any]) -> str:
    if not rows:
        return "it is gone already"
    (now,) = rows
    if now["active"]:
        return f"session {now['active_pid']} reads it now"
    keys = ("plugin", "restart_lsn", "confirmed_flush_lsn", "owner_kind", "owner_id")
    differing = [f"{key} is {now[key]}, not {expected[key]}" for key in keys if now[key] != expected[key]]
    return "; ".join(differing) or f"it is a {now['slot_type']} slot of database {now['database']}"
