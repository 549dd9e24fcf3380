"""Facts of slot hygiene to begin a test with: a server where all is well, and how to change one thing."""

from __future__ import annotations

from dataclasses import replace

from pg_cdc.decisions.slots.policy import GIB, Policy
from pg_cdc.decisions.slots.verdicts import Verdict, judge_source
from pg_cdc.decisions.slots.world import (
    Observation,
    Owner,
    OwnerKind,
    OwnerLook,
    OwnerState,
    SlotRow,
    SourceFacts,
    Storage,
    Watch,
)

HOUR, DAY = 3600.0, 86400.0
NOW = 1_800_000_000.0
TASK = "arn:aws:dms:eu-west-1:123456789012:task:ABC"
WAL = 1000 * GIB
OWNER = Owner(kind=OwnerKind.DMS_TASK, owner_id=TASK, migration="shop", how="made by its start")
STRANGER = Owner(kind=OwnerKind.UNKNOWN)
EXISTS, GONE, UNCHECKED = (OwnerLook(state=state, text="asked") for state in OwnerState)
ROOMY = Storage(free_bytes=1000 * GIB, how="FreeStorageSpace")
ACTS = Policy(dry_run=False)

ACTIVE = SlotRow(
    name="a",
    slot_type="logical",
    plugin="test_decoding",
    database="shop",
    active=True,
    active_pid=77,
    restart_lsn=WAL - GIB // 8,
    confirmed_flush_lsn=WAL,
    retained_bytes=GIB // 8,
    wal_status="reserved",
)
IDLE = replace(
    ACTIVE,
    active=False,
    active_pid=None,
    restart_lsn=WAL - GIB,
    confirmed_flush_lsn=WAL - GIB,
    retained_bytes=GIB,
)


def look(hours_ago: float, slot: SlotRow = IDLE, *, wal_per_hour: int = 0, **change) -> Observation:
    """Return how ``slot`` was seen: as it is now, but for ``change``."""
    seen = Observation(
        at=NOW - hours_ago * HOUR,
        active=slot.active,
        wal_lsn=WAL - int(hours_ago * wal_per_hour),
        restart_lsn=slot.restart_lsn,
        confirmed_flush_lsn=slot.confirmed_flush_lsn,
        retained_bytes=slot.retained_bytes,
    )
    return replace(seen, **change)


def every_hour(hours: int, slot: SlotRow = IDLE, *, wal_per_hour: int = 0) -> tuple[Observation, ...]:
    """Return a look for each of the last ``hours``: nothing about the slot changed."""
    return tuple(look(ago, slot, wal_per_hour=wal_per_hour) for ago in range(hours, 0, -1))


def server(slot: SlotRow = ACTIVE, *, owner=OWNER, owner_look=EXISTS, history=(), watch=None, **change) -> SourceFacts:
    """Return a server with one slot."""
    facts = SourceFacts(
        identifier="shop-1",
        at=NOW,
        version_num=150018,
        in_recovery=False,
        wal_lsn=WAL,
        slots=(slot,),
        owners={slot.name: owner},
        looks={slot.name: owner_look} if owner_look else {},
        history={slot.name: tuple(history)},
        watches={slot.name: watch} if watch else {},
        storage=ROOMY,
    )
    return replace(facts, **change)


def judge(facts: SourceFacts, policy: Policy = ACTS) -> Verdict:
    """Return the verdict on the one slot of ``facts``."""
    (verdict,) = judge_source(facts, policy)
    return verdict


GONE_FOR_25_H = Watch(owner_id=TASK, gone_since=NOW - 25 * HOUR)


def abandoned(slot: SlotRow = IDLE, **change) -> SourceFacts:
    """Return a server with a slot whose owner was seen gone 25 hours ago, and that nobody has touched since."""
    given = {"owner_look": GONE, "history": every_hour(25, slot), "watch": GONE_FOR_25_H}
    return server(slot, **{**given, **change})
