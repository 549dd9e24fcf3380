"""Find the replication slot of a task among all slots of the source, and the proof that its stream flows. Pure.

DMS does not tell the name of the slot it makes, and the name's scheme is not documented: it is found by who reads it,
what the ledger says, and what was there before the task started. Where that leaves two, neither is chosen.
Source: https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Source.PostgreSQL.html
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from pg_cdc.decisions.dms.start import SlotFate
from pg_cdc.decisions.world import Slot

DMS_TASK = "dms-task"
UNKNOWN_OWNER = "unknown"


@dataclass(frozen=True, kw_only=True)
class SlotReader:
    """A slot and the role that reads it now; None: nobody does, or it may not be seen."""

    slot: Slot
    role: str | None = None


@dataclass(frozen=True, kw_only=True)
class LedgerRow:
    """One row of pgcdc.slot_owner. ``owner_id``: the task's ARN when ``owner_kind`` is dms-task."""

    slot_name: str
    owner_kind: str
    owner_id: str
    migration: str
    plugin: str
    how: str


@dataclass(frozen=True, kw_only=True)
class SlotChoice:
    """The task's slot, or None and the candidates between which nothing decides."""

    slot: Slot | None
    how: str
    candidates: tuple[str, ...] = ()


def find_task_slot(
    readers: Sequence[SlotReader], ledger: Sequence[LedgerRow], *, task_arn: str, role: str, database: str
) -> SlotChoice:
    """Return the logical slot in ``database`` that the task reads as ``role``."""
    owners = {row.slot_name: row for row in ledger if row.owner_kind != UNKNOWN_OWNER}
    seen_before = {row.slot_name for row in ledger if row.owner_kind == UNKNOWN_OWNER}
    here = [reader for reader in readers if _could_be(reader, role=role, database=database)]
    recorded = [r for r in here if r.slot.name in owners and owners[r.slot.name].owner_id == task_arn]
    if len(recorded) == 1:
        return SlotChoice(slot=recorded[0].slot, how=owners[recorded[0].slot.name].how)
    free = [reader for reader in here if reader.slot.name not in owners and reader.slot.active]
    if not free:
        return SlotChoice(slot=None, how=f"no active logical slot in {database} is read by {role}")
    if len(free) == 1:
        return SlotChoice(slot=free[0].slot, how=f"the one active slot in {database} that {role} reads")
    return _newcomer(free, seen_before, role=role)


def _could_be(reader: SlotReader, *, role: str, database: str) -> bool:
    slot = reader.slot
    right_kind = slot.slot_type == "logical" and not slot.temporary and slot.database == database
    return right_kind and reader.role in (None, role)


def _newcomer(free: Sequence[SlotReader], seen_before: Collection[str], *, role: str) -> SlotChoice:
    names = tuple(sorted(reader.slot.name for reader in free))
    new = [reader for reader in free if reader.slot.name not in seen_before]
    if len(new) == 1:
        return SlotChoice(slot=new[0].slot, how=f"the one slot {role} reads that was not there before the task started")
    return SlotChoice(
        slot=None, how=f"{len(free)} active slots are read by {role}, and nothing tells which", candidates=names
    )


def slot_fate(readers: Sequence[SlotReader], ledger: Sequence[LedgerRow], task_arn: str) -> SlotFate:
    """Return what became of the slot that the ledger gives to the task."""
    recorded = {row.slot_name for row in ledger if row.owner_id == task_arn}
    if not recorded:
        return SlotFate.UNKNOWN
    alive = {reader.slot.name for reader in readers if reader.slot.wal_status != "lost"}
    return SlotFate.KEPT if recorded & alive else SlotFate.LOST


@dataclass(frozen=True, kw_only=True)
class Marker:
    """The migration's marker row. ``stream``: which start of the task it was written to prove.

    ``seconds``: how long it took to arrive; None: not seen on the target yet.
    """

    token: str
    stream: str
    seconds: float | None = None


def stream_of(task_arn: str, started: str | None) -> str:
    """Return the name of one start of a task: a proof holds for the start it was made in, not for the next."""
    return f"{task_arn} {started or 'unknown start'}"


def is_proved(source: Marker | None, target_token: str | None, stream: str) -> bool:
    """Tell whether the marker written for ``stream`` has arrived, and was seen to."""
    return (
        source is not None and source.stream == stream and source.token == target_token and source.seconds is not None
    )


def slot_facts(choice: SlotChoice) -> Mapping[str, object]:
    """Return the slot for the report."""
    if choice.slot is None:
        return {"name": None, "how": choice.how, "candidates": list(choice.candidates)}
    slot = choice.slot
    facts = {"name": slot.name, "plugin": slot.plugin, "active": slot.active, "retained_bytes": slot.retained_bytes}
    return facts | {"how": choice.how}
