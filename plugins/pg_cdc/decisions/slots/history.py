"""Read from a slot's observations whether somebody uses it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pg_cdc.decisions.slots.world import Observation, SlotRow

SLACK_SECONDS = 0.001
"""Times pass through a database that rounds them: what was written in one moment may differ by this."""
LEFTOVER_SECONDS = 600.0
"""Twice the longest wal_sender_timeout that DMS accepts: by then the server has ended a reader that is gone."""


def used_since(slot: SlotRow, history: Iterable[Observation], since: float) -> str:
    """Return what shows that somebody has used the slot since its owner was gone; empty: nothing does.

    A connection that the owner left behind may stay for some minutes, but it moves nothing.
    """
    seen = _from(history, since)
    if any(look.active and look.at > since + LEFTOVER_SECONDS for look in seen):
        return "it was read since"
    if any(has_moved(slot, look) for look in seen):
        return "it has moved since"
    return ""


def has_moved(slot: SlotRow, seen: Observation) -> bool:
    """Tell whether the slot stands elsewhere than it was seen; an invalidated slot that lost its place did not move."""
    return _differs(slot.restart_lsn, seen.restart_lsn) or _differs(slot.confirmed_flush_lsn, seen.confirmed_flush_lsn)


def quiet_since(slot: SlotRow, history: Iterable[Observation], since: float, *, at: float) -> float:
    """Return from when there is evidence, without a break, that nobody uses the slot; ``at`` where there is none.

    A restart of the server sets ``inactive_since`` anew: the count then begins again, on the safe side.
    """
    seen = _from(history, since)
    starts = [since, seen[0].at if seen else at, *(look.at for look in seen if look.active)]
    if slot.inactive_since is not None:
        starts.append(slot.inactive_since)
    return max(starts)


def idle_seconds(slot: SlotRow, history: Iterable[Observation], *, at: float) -> float | None:
    """Return for how long nobody has used the slot, at least; None: not known."""
    if slot.active:
        return 0.0
    if slot.inactive_since is not None:
        return max(at - slot.inactive_since, 0.0)
    seen = [look for look in _from(history, float("-inf")) if look.at <= at]
    return max(at - _last_use(slot, seen), 0.0) if seen else None


def _last_use(slot: SlotRow, seen: Sequence[Observation]) -> float:
    """Return when the slot was last seen in use, or was first seen at all."""
    for look in reversed(seen):
        if look.active:
            return look.at
        if has_moved(slot, look):
            return min((later.at for later in seen if later.at > look.at), default=look.at)
    return seen[0].at


def _from(history: Iterable[Observation], since: float) -> list[Observation]:
    return sorted((look for look in history if look.at >= since - SLACK_SECONDS), key=lambda look: look.at)


def _differs(now: int | None, then: int | None) -> bool:
    return now is not None and now != then
