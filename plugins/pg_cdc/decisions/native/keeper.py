"""Decide what the keeper of the snapshot does: make a slot, watch one that is held, begin anew, or nothing. Pure.

A slot belongs to its snapshot: once the session that holds it has ended, no table can be read as of that point any
more, so the slot is of no use and the load begins anew with another.
Source: https://www.postgresql.org/docs/current/protocol-replication.html
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from pg_cdc.decisions.native.world import NativeSlot, Snapshot
from pg_cdc.failures import Differs, NotOurs


class Action(StrEnum):
    """What is to be done."""

    NOTHING = "nothing"
    WATCH = "watch"
    MAKE = "make"
    MAKE_ANEW = "make anew"


@dataclass(frozen=True, kw_only=True)
class Keeping:
    """``why``: what is said of it."""

    action: Action
    why: str


def next_keeping(snapshot: Snapshot | None, slot: NativeSlot | None, *, name: str, owned: bool) -> Keeping:
    """Return what to do about slot ``name``. ``owned``: the ledger says that it is ours.

    :raises NotOurs: another's slot has the name.
    :raises Differs: the slot was lost after the load, and with it changes.
    """
    if slot is not None and not owned:
        raise NotOurs(
            found=f"a slot {name} that the ledger does not give to this migration",
            expected="none, or one that is recorded in pgcdc.slot_owner as this migration's",
            next="find out who reads it; drop it, or give the migration another name",
        )
    if snapshot is not None and snapshot.loaded:
        return _after_load(slot, name)
    if slot is None or slot.wal_status == "lost":
        return _from_scratch(snapshot, slot, name)
    if snapshot is not None and snapshot.keeper_alive and snapshot.slot_name == name:
        return Keeping(
            action=Action.WATCH, why=f"session {snapshot.keeper_pid} holds snapshot {snapshot.snapshot_name}"
        )
    return Keeping(
        action=Action.MAKE_ANEW,
        why=f"the session that held the snapshot of slot {name} has ended: the load begins anew from another slot",
    )


def _after_load(slot: NativeSlot | None, name: str) -> Keeping:
    if slot is None or slot.wal_status == "lost":
        raise Differs(
            found=f"every table is loaded, and slot {name} is {'lost' if slot else 'gone'}",
            expected="the slot, which has the changes since the load",
            next="tear the migration down, drop its tables on the target, and run it again",
        )
    return Keeping(action=Action.NOTHING, why="every table is loaded")


def _from_scratch(snapshot: Snapshot | None, slot: NativeSlot | None, name: str) -> Keeping:
    if slot is not None:
        return Keeping(action=Action.MAKE_ANEW, why=f"the WAL of slot {name} was removed: the load begins anew")
    if snapshot is not None:
        return Keeping(action=Action.MAKE_ANEW, why=f"slot {name} is gone: the load begins anew from another slot")
    return Keeping(action=Action.MAKE, why="the load has not begun")
