"""Say how slots stood in an interval of the past, from what was written down then. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from pg_cdc.decisions.slots.world import (
    Observation,
    OwnerLook,
    OwnerState,
    SlotRow,
    SourceFacts,
    Storage,
)

History = Mapping[str, tuple[Observation, ...]]
NOT_ASKED = OwnerLook(state=OwnerState.UNCHECKED, text="nobody is asked now about then")


def facts_of_the_past(now: SourceFacts, books: History, *, start: float, end: float) -> SourceFacts | None:
    """Return the facts as of the last look between ``start`` and ``end``; None: nobody looked then.

    What kind of slot one is, and whose, is told by the facts of ``now``; what was not written down is not known. No
    earlier decision goes into it, so that nothing follows from it.
    """
    last = {name: seen[-1] for name, looks in books.items() if (seen := _between(looks, start, end))}
    if not last:
        return None
    latest = max(last.values(), key=lambda look: look.at)
    known = {slot.name: slot for slot in now.slots}
    slots = tuple(_slot_then(known.get(name), name, look) for name, look in last.items())
    return replace(
        now,
        at=latest.at,
        wal_lsn=latest.wal_lsn,
        slots=slots,
        looks={name: NOT_ASKED for name in last},
        history={name: tuple(look for look in books[name] if look.at < latest.at) for name in last},
        watches={},
        storage=Storage(how="the room there was then is not known"),
        cache_rates=(),
    )


def _between(looks: tuple[Observation, ...], start: float, end: float) -> tuple[Observation, ...]:
    return tuple(look for look in looks if start <= look.at <= end)


def _slot_then(now: SlotRow | None, name: str, look: Observation) -> SlotRow:
    known = now or SlotRow(name=name, slot_type="logical")
    return SlotRow(
        name=name,
        slot_type=known.slot_type,
        plugin=known.plugin,
        database=known.database,
        temporary=known.temporary,
        failover=known.failover,
        synced=known.synced,
        active=look.active,
        restart_lsn=look.restart_lsn,
        confirmed_flush_lsn=look.confirmed_flush_lsn,
        retained_bytes=look.retained_bytes,
    )
