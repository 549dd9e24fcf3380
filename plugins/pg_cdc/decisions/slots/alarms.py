"""Say what an alarm tells people, and remember what they were told, and what they answered. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

from pg_cdc.decisions.slots.actions import AlarmChange
from pg_cdc.decisions.slots.policy import qualified
from pg_cdc.decisions.slots.world import Watch


def alarm_of(change: AlarmChange) -> dict[str, str]:
    """Return what a notifier's templates know as ``alarm``."""
    path = qualified(change.identifier, change.slot)
    return {
        "title": f"Replication slot {path}: {change.after or 'well again'}",
        "text": change.text,
        "source": change.identifier,
        "slot": change.slot,
        "severity": change.after,
        "before": change.before,
    }


def told_watches(watches: Mapping[str, Watch], change: AlarmChange, *, at: float) -> dict[str, Watch]:
    """Return ``watches`` as they are once people were told of ``change``."""
    before = watches.get(change.slot, Watch())
    since = at if change.after else None
    return {**watches, change.slot: replace(before, severity=change.after, severity_since=since)}


def put_off(watches: Mapping[str, Watch], slots: Collection[str], *, at: float) -> dict[str, Watch]:
    """Return ``watches`` as they are once a human kept ``slots``: their grace begins anew."""
    kept = {name: replace(watches[name], gone_since=at) for name in slots if name in watches}
    return {**watches, **kept}
