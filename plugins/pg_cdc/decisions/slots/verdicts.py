"""Judge each replication slot: what it is, how bad it is, and whether it may go. Pure.

Invariant: nothing is dropped that is active, owned, a stranger's, protected, or within its grace.
Source: https://www.postgresql.org/docs/current/view-pg-replication-slots.html
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain

from pg_cdc.decisions.slots.custody import Care, Custody, judge_custody, may_drop
from pg_cdc.decisions.slots.dangers import Danger, Severity, Situation, find_dangers, gravest
from pg_cdc.decisions.slots.history import idle_seconds
from pg_cdc.decisions.slots.policy import Policy
from pg_cdc.decisions.slots.runway import Rate, Runway, runway, slot_rate, wal_rate
from pg_cdc.decisions.slots.world import Observation, Owner, SlotRow, SourceFacts


class Kind(StrEnum):
    """What a slot is. A stranger's or a protected one is never more than that; how bad it is says its severity."""

    HEALTHY = "healthy"
    WATCH = "watch"
    ALARM = "alarm"
    ORPHAN = "orphan"
    LOST = "lost"
    FOREIGN = "foreign"
    PROTECTED = "protected"


BY_CARE = {Care.PROTECTED: Kind.PROTECTED, Care.FOREIGN: Kind.FOREIGN, Care.ORPHAN: Kind.ORPHAN}
BY_SEVERITY = {
    Severity.NONE: Kind.HEALTHY,
    Severity.WATCH: Kind.WATCH,
    Severity.ALARM: Kind.ALARM,
    Severity.LOST: Kind.LOST,
}


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What to think of a slot, with all reasons. ``slot``: as it was when it was judged.

    ``drop``: it may go now. ``gone_since``: when its owner was first seen gone; ``drop_after``: when its grace ends.
    ``growth_bytes_per_hour``: of the WAL that it holds back; None: not known yet. ``disowned``: somebody else
    has used it since its owner was gone.
    """

    slot: SlotRow
    kind: Kind
    severity: Severity
    reasons: tuple[str, ...]
    runway: Runway
    owner: Owner
    idle_seconds: float | None = None
    drop: bool = False
    gone_since: float | None = None
    drop_after: float | None = None
    growth_bytes_per_hour: float | None = None
    disowned: bool = False

    @property
    def name(self) -> str:
        """Return the slot's name."""
        return self.slot.name

    @property
    def retained_bytes(self) -> int | None:
        """Return the WAL that the slot holds back."""
        return self.slot.retained_bytes


def judge_source(facts: SourceFacts, policy: Policy) -> tuple[Verdict, ...]:
    """Return a verdict for each slot of a server."""
    wal = _server_rate(facts)
    return tuple(_judge(facts, slot, policy, wal) for slot in facts.slots)


def judge_slot(facts: SourceFacts, slot: SlotRow, policy: Policy) -> Verdict:
    """Return the verdict on ``slot``."""
    return _judge(facts, slot, policy, _server_rate(facts))


def _judge(facts: SourceFacts, slot: SlotRow, policy: Policy, wal: Rate) -> Verdict:
    history = facts.history.get(slot.name, ())
    custody = judge_custody(facts, slot, policy)
    rate = slot_rate(slot, history, wal, at=facts.at)
    ahead = runway(slot, rate, facts.storage)
    idle = idle_seconds(slot, history, at=facts.at)
    dangers = find_dangers(
        Situation(facts=facts, slot=slot, policy=policy, custody=custody, rate=rate, runway=ahead, idle=idle)
    )
    severity = gravest(dangers)
    return Verdict(
        slot=slot,
        kind=_kind(custody, slot, severity),
        severity=severity,
        reasons=_reasons(custody, dangers),
        runway=ahead,
        owner=custody.owner,
        idle_seconds=idle,
        drop=may_drop(custody, slot, at=facts.at),
        gone_since=custody.gone_since,
        drop_after=custody.drop_after,
        growth_bytes_per_hour=rate.bytes_per_hour,
        disowned=custody.disowned,
    )


def _kind(custody: Custody, slot: SlotRow, severity: Severity) -> Kind:
    if kind := BY_CARE.get(custody.care):
        return kind
    if custody.care is Care.UNCHECKED and not slot.active and severity is Severity.NONE:
        return Kind.WATCH
    return BY_SEVERITY[severity]


def _reasons(custody: Custody, dangers: Iterable[Danger]) -> tuple[str, ...]:
    return (custody.reason, *(danger.text for danger in dangers))


def _server_rate(facts: SourceFacts) -> Rate:
    """Return how fast the server writes WAL; every observation of any slot tells the server's position."""
    looks: dict[float, Observation] = {look.at: look for look in chain.from_iterable(facts.history.values())}
    return wal_rate(looks.values(), at=facts.at, wal_lsn=facts.wal_lsn)
