"""Foretell when held-back WAL fills the disk, or is given up and the slot lost. Pure.

What counts is how fast the WAL that a slot holds back grows, never whether somebody reads the slot: a reader that is
connected and moves nothing fills the disk all the same.
Source: https://www.postgresql.org/docs/current/view-pg-replication-slots.html
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from pg_cdc.decisions.amounts import DAY, HOUR, bytes_text, time_text
from pg_cdc.decisions.slots.world import Observation, SlotRow, Storage

WINDOW_SECONDS = DAY
"""How far back a rate looks: a day holds the nightly batch."""
SHORTEST_SECONDS = 60.0
"""Two looks closer than this say nothing of a rate."""


class Confidence(StrEnum):
    """How far to trust a rate."""

    NONE = "none"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


class Limit(StrEnum):
    """What ends the runway."""

    NONE = ""
    DISK = "disk full"
    SLOT = "slot lost"


@dataclass(frozen=True, kw_only=True)
class Rate:
    """How fast something grows. ``bytes_per_hour`` None: not known yet."""

    bytes_per_hour: float | None = None
    span_seconds: float = 0.0
    confidence: Confidence = Confidence.NONE


@dataclass(frozen=True, kw_only=True)
class Runway:
    """What is left. ``hours`` None: no end in sight, or not known; ``text`` says which."""

    hours: float | None = None
    limit: Limit = Limit.NONE
    confidence: Confidence = Confidence.NONE
    text: str = ""


def wal_rate(history: Iterable[Observation], *, at: float, wal_lsn: int) -> Rate:
    """Return how fast the server writes WAL; ``history`` may be of any of its slots, or of several.

    Position 0 is none: the server was asked while it could not tell.
    """
    points = [*((seen.at, seen.wal_lsn) for seen in _recent(history, at)), (at, wal_lsn)]
    known = _since_reset(sorted(point for point in points if point[1]))
    return _rate(known) if wal_lsn else Rate()


def slot_rate(slot: SlotRow, history: Iterable[Observation], wal: Rate, *, at: float) -> Rate:
    """Return how fast the WAL that ``slot`` holds back grows: as fast as ``wal`` while nothing moves it on."""
    seen = _recent(history, at)
    if not slot.active or _is_stuck(slot, seen, at):
        return wal
    known = [(look.at, look.retained_bytes) for look in seen if look.retained_bytes is not None]
    if slot.retained_bytes is None or not known:
        return Rate()
    return _rate([*known, (at, slot.retained_bytes)])


def runway(slot: SlotRow, rate: Rate, storage: Storage) -> Runway:
    """Return how long the slot may go on growing at ``rate``, and what happens then."""
    if slot.restart_lsn is None:
        return Runway(text="holds no WAL back")
    rooms = _rooms(slot, storage)
    if not rooms:
        return Runway(confidence=rate.confidence, text=f"what room is left is not known{_because(storage)}")
    room, limit = min(rooms)
    if room <= 0:
        return Runway(hours=0.0, limit=limit, confidence=Confidence.HIGH, text=f"{limit}: no room is left")
    return _runway_in(room, limit, rate)


def _runway_in(room: int, limit: Limit, rate: Rate) -> Runway:
    left = f"{bytes_text(room)} left"
    if rate.bytes_per_hour is None:
        return Runway(limit=limit, text=f"{left}; how fast it fills is not known yet")
    if rate.bytes_per_hour <= 0:
        return Runway(confidence=rate.confidence, text=f"{left}; does not grow")
    hours = room / rate.bytes_per_hour
    speed = f"{bytes_text(rate.bytes_per_hour)}/h over {time_text(rate.span_seconds)}"
    text = f"{limit} in {time_text(hours * HOUR)}: {left}, {speed}, confidence {rate.confidence}"
    return Runway(hours=hours, limit=limit, confidence=rate.confidence, text=text)


def _rooms(slot: SlotRow, storage: Storage) -> list[tuple[int, Limit]]:
    rooms = []
    if storage.free_bytes is not None:
        rooms.append((storage.free_bytes, Limit.DISK))
    if slot.safe_wal_size is not None:
        rooms.append((slot.safe_wal_size, Limit.SLOT))
    elif storage.max_slot_wal_keep_bytes is not None and slot.retained_bytes is not None:
        rooms.append((storage.max_slot_wal_keep_bytes - slot.retained_bytes, Limit.SLOT))
    return rooms


def _because(storage: Storage) -> str:
    return f" ({storage.how})" if storage.how else ""


def _recent(history: Iterable[Observation], at: float) -> list[Observation]:
    return sorted((seen for seen in history if at - WINDOW_SECONDS <= seen.at < at), key=lambda seen: seen.at)


def _is_stuck(slot: SlotRow, seen: Sequence[Observation], at: float) -> bool:
    told = [look for look in seen if look.at <= at - SHORTEST_SECONDS]
    last_hour = [look for look in told if look.at >= at - HOUR] or told[-1:]
    return bool(last_hour) and all(look.restart_lsn == slot.restart_lsn for look in last_hour)


def _rate(points: Sequence[tuple[float, int]]) -> Rate:
    """Return the faster of the whole span and its last hour: a load that began just now must not be averaged away."""
    at, amount = points[-1]
    span = at - points[0][0]
    if span < SHORTEST_SECONDS:
        return Rate()
    starts = [points[0], *[point for point in points if point[0] <= at - HOUR][-1:]]
    speed = max((amount - before) / (at - then) * HOUR for then, before in starts)
    return Rate(bytes_per_hour=max(speed, 0.0), span_seconds=span, confidence=_confidence(span))


def _since_reset(points: Sequence[tuple[float, int]]) -> Sequence[tuple[float, int]]:
    """Return the points since the position last went back, as it does when a server is restored under its old name."""
    for index in range(len(points) - 1, 0, -1):
        if points[index][1] < points[index - 1][1]:
            return points[index:]
    return points


def _confidence(span: float) -> Confidence:
    if span < HOUR:
        return Confidence.LOW
    return Confidence.MEDIUM if span < 6 * HOUR else Confidence.HIGH
