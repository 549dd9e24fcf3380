"""Say what threatens a slot, or what the slot threatens, and how badly. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from pg_cdc.decisions.amounts import bytes_text, time_text
from pg_cdc.decisions.slots.custody import Care, Custody
from pg_cdc.decisions.slots.policy import GIB, Policy
from pg_cdc.decisions.slots.runway import Rate, Runway
from pg_cdc.decisions.slots.world import SlotRow, SourceFacts, Watch

HOLD = 1.25
"""A severity once told ends only when the runway is this much over its bound: else it would come and go all night."""
UNKNOWN_ROOM_BYTES = GIB
"""What a growing slot may hold back unnoticed where nobody knows the room."""
XMIN_WATCH, XMIN_ALARM = 200_000_000, 1_000_000_000
"""Where autovacuum begins to force freezing; and half-way to the server refusing writes."""


class Severity(StrEnum):
    """How bad it is; told to people once per change."""

    NONE = ""
    WATCH = "watch"
    ALARM = "alarm"
    LOST = "lost"


RANK = {severity: rank for rank, severity in enumerate(Severity)}


@dataclass(frozen=True, kw_only=True)
class Danger:
    """One thing that threatens."""

    severity: Severity
    text: str


@dataclass(frozen=True, kw_only=True)
class Situation:
    """All that is known of one slot."""

    facts: SourceFacts
    slot: SlotRow
    policy: Policy
    custody: Custody
    rate: Rate
    runway: Runway
    idle: float | None

    @property
    def told(self) -> str:
        """Return the severity that people know of."""
        return self.facts.watches.get(self.slot.name, Watch()).severity


def find_dangers(situation: Situation) -> tuple[Danger, ...]:
    """Return what threatens, the gravest first."""
    return tuple(sorted(_each(situation), key=lambda danger: -RANK[danger.severity]))


def gravest(dangers: tuple[Danger, ...]) -> Severity:
    """Return the severity of the gravest danger."""
    return max((danger.severity for danger in dangers), key=RANK.__getitem__, default=Severity.NONE)


def is_lost(slot: SlotRow) -> bool:
    """Tell whether nobody can read on from this slot. ``conflicting`` is how PostgreSQL 16 says it on a standby."""
    return slot.wal_status == "lost" or slot.invalidation_reason is not None or bool(slot.conflicting)


def _each(it: Situation) -> Iterator[Danger]:
    if is_lost(it.slot):
        yield _loss(it)
    else:
        yield from _of_wal(it)
        yield from _of_catalog(it)
    yield from _of_neglect(it)


def _loss(it: Situation) -> Danger:
    slot = it.slot
    why = slot.invalidation_reason or ("conflicting" if slot.conflicting else f"wal_status {slot.wal_status}")
    if it.custody.care is Care.ORPHAN:
        return Danger(severity=Severity.WATCH, text=f"lost ({why}), which harms nobody")
    return Danger(severity=Severity.LOST, text=f"lost ({why}): its reader has to begin anew")


def _of_wal(it: Situation) -> Iterator[Danger]:
    hours = it.runway.hours
    if hours is not None and hours < _bound(it, Severity.ALARM, it.policy.alarm_hours):
        yield Danger(severity=Severity.ALARM, text=it.runway.text)
    elif hours is not None and hours < _bound(it, Severity.WATCH, it.policy.watch_hours):
        yield Danger(severity=Severity.WATCH, text=it.runway.text)
    if it.slot.wal_status == "unreserved":
        yield Danger(severity=Severity.ALARM, text="unreserved: the next checkpoint may remove WAL that it needs")
    if hours is None:
        yield from _without_a_runway(it)


def _without_a_runway(it: Situation) -> Iterator[Danger]:
    held, growth = it.slot.retained_bytes or 0, it.rate.bytes_per_hour
    if it.told in (Severity.WATCH, Severity.ALARM) and growth != 0 and held >= UNKNOWN_ROOM_BYTES:
        yield Danger(severity=Severity(it.told), text=f"as told before, until more is known: {it.runway.text}")
    if growth and held >= UNKNOWN_ROOM_BYTES and not _room_is_known(it):
        text = f"holds back {bytes_text(held)} and grows by {bytes_text(growth)}/h, into a room nobody knows"
        yield Danger(severity=Severity.WATCH, text=text)
    free = it.facts.storage.free_bytes
    if growth is None and free is not None and held >= max(free, 1):
        text = f"holds back {bytes_text(held)}, more than the {bytes_text(free)} that are free"
        yield Danger(severity=Severity.WATCH, text=text)


def _room_is_known(it: Situation) -> bool:
    storage = it.facts.storage
    return any(
        room is not None for room in (storage.free_bytes, storage.max_slot_wal_keep_bytes, it.slot.safe_wal_size)
    )


def _of_catalog(it: Situation) -> Iterator[Danger]:
    age = it.slot.catalog_xmin_age or 0
    if age >= XMIN_WATCH:
        severity = Severity.ALARM if age >= XMIN_ALARM else Severity.WATCH
        yield Danger(severity=severity, text=f"keeps the catalog from being vacuumed for {age:,} transactions")


def _of_neglect(it: Situation) -> Iterator[Danger]:
    if it.custody.care is Care.ORPHAN:
        yield Danger(severity=Severity.WATCH, text="nobody will read it again")
    elif _should_be_read(it) and it.idle is not None and it.idle >= it.policy.grace_seconds:
        text = f"nobody has read it for {time_text(it.idle)}: go on reading it, or give it up"
        yield Danger(severity=Severity.WATCH, text=text)
    if it.facts.tasks.get(it.custody.owner.owner_id) == "failed":
        yield Danger(severity=Severity.WATCH, text="its DMS task has failed: nobody reads it until that is cured")


def _should_be_read(it: Situation) -> bool:
    """Tell whether idling means neglect: a person who protects a slot, and a standby's copy, may leave it unread."""
    return it.custody.care is not Care.PROTECTED or it.slot.slot_type == "physical"


def _bound(it: Situation, severity: Severity, hours: float) -> float:
    known = RANK[Severity(it.told)] if it.told in set(Severity) else 0
    return hours * HOLD if RANK[severity] <= known < RANK[Severity.LOST] else hours
