"""Decide what a run of slot hygiene does: which slots go, whom to tell, what to remember. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pg_cdc.decisions.amounts import bytes_text
from pg_cdc.decisions.preflight.findings import counted
from pg_cdc.decisions.slots.policy import Policy, protecting_pattern, qualified
from pg_cdc.decisions.slots.verdicts import Verdict
from pg_cdc.decisions.slots.world import Owner, OwnerKind, SourceFacts, Watch

Judged = tuple[str, Verdict]
"""A source identifier, and the verdict on one of its slots."""


@dataclass(frozen=True, kw_only=True)
class DropPlan:
    """Which slots go. ``withheld``: those that could and do not, for ``why``; ``needs_approval``: of all ``drops``."""

    drops: tuple[Judged, ...] = ()
    withheld: tuple[Judged, ...] = ()
    needs_approval: bool = False
    why: str = ""


@dataclass(frozen=True, kw_only=True)
class Termination:
    """A backend to end, since a person named its slot."""

    identifier: str
    slot: str
    pid: int


@dataclass(frozen=True, kw_only=True)
class AlarmChange:
    """A severity that changed; empty ``after``: it is over."""

    identifier: str
    slot: str
    before: str
    after: str
    text: str


def choose_drops(source_verdicts: Sequence[Judged], policy: Policy, *, acts: bool) -> DropPlan:
    """Return what to drop over all sources; many slots, or much WAL, is for a human to allow: all of it or none."""
    ripe = tuple(judged for judged in source_verdicts if judged[1].drop)
    if not ripe:
        return DropPlan(why="no slot is to be dropped")
    if not acts or policy.dry_run:
        return DropPlan(withheld=ripe, why="this run only reports" if not acts else "dry run")
    doubts = _doubts(ripe, policy)
    why = f"{'; '.join(doubts)}: a human has to allow it" if doubts else f"{counted(len(ripe), 'orphan')} past grace"
    return DropPlan(drops=ripe, needs_approval=bool(doubts), why=why)


def terminations(facts: SourceFacts, policy: Policy) -> tuple[Termination, ...]:
    """Return the readers to end: only of slots that ``policy.terminate`` names in full, and none in a dry run."""
    if policy.dry_run:
        return ()
    named = frozenset(policy.terminate)
    return tuple(
        Termination(identifier=facts.identifier, slot=slot.name, pid=slot.active_pid)
        for slot in facts.slots
        if slot.active
        and slot.active_pid is not None
        and qualified(facts.identifier, slot.name) in named
        and not protecting_pattern(facts.identifier, slot.name, policy.protect)
    )


def changed_alarms(
    identifier: str, verdicts: Sequence[Verdict], watches: Mapping[str, Watch]
) -> tuple[AlarmChange, ...]:
    """Return what people are to be told: each severity that is not the one last told. A slot that is gone is over."""
    now = {verdict.name: verdict for verdict in verdicts}
    changes = (
        _change(identifier, name, watches.get(name, Watch()).severity, now.get(name)) for name in {**now, **watches}
    )
    return tuple(change for change in changes if change.before != change.after)


def next_watches(facts: SourceFacts, verdicts: Sequence[Verdict], *, told: bool) -> dict[str, Watch]:
    """Return what to remember. ``told``: people were told of this run's severities; else the old ones stand.

    A slot that is gone is remembered as blank, so that the next of its name inherits nothing.
    """
    kept = {verdict.name: _next_watch(facts, verdict, told=told) for verdict in verdicts}
    gone = {name: watch for name, watch in facts.watches.items() if name not in kept and watch != Watch()}
    for name, watch in gone.items():
        kept[name] = Watch() if told else Watch(severity=watch.severity, severity_since=watch.severity_since)
    return kept


def disowned(facts: SourceFacts, verdicts: Sequence[Verdict]) -> dict[str, Owner]:
    """Return what the ledger is to say of slots that somebody used after their owner was gone: not his any more.

    Without it a stranger who pauses longer than observations are kept would look like the owner that is gone.
    """
    return {
        verdict.name: Owner(kind=OwnerKind.UNKNOWN, how=verdict.reasons[0], recorded_at=facts.at)
        for verdict in verdicts
        if verdict.disowned
    }


def _doubts(ripe: Sequence[Judged], policy: Policy) -> list[str]:
    doubts = []
    if len(ripe) > policy.max_drops:
        doubts.append(f"{len(ripe)} slots, over {policy.max_drops}")
    held = sum(verdict.retained_bytes or 0 for _, verdict in ripe)
    if held > policy.max_drop_bytes:
        doubts.append(f"{bytes_text(held)} held back, over {bytes_text(policy.max_drop_bytes)}")
    unknown = [qualified(name, verdict.name) for name, verdict in ripe if _holds_unknown(verdict)]
    if unknown:
        doubts.append(f"what {', '.join(unknown)} holds back is not known")
    return doubts


def _holds_unknown(verdict: Verdict) -> bool:
    return verdict.retained_bytes is None and verdict.slot.restart_lsn is not None


def _change(identifier: str, name: str, before: str, verdict: Verdict | None) -> AlarmChange:
    after = verdict.severity.value if verdict else ""
    reasons = "; ".join(verdict.reasons) if verdict else "the slot is no longer there"
    text = f"{qualified(identifier, name)}: {after or 'well again'} (was {before or 'well'}): {reasons}"
    return AlarmChange(identifier=identifier, slot=name, before=before, after=after, text=text)


def _next_watch(facts: SourceFacts, verdict: Verdict, *, told: bool) -> Watch:
    before = facts.watches.get(verdict.name, Watch())
    severity = verdict.severity.value if told else before.severity
    changed_at = facts.at if severity else None
    return Watch(
        owner_id=verdict.owner.owner_id,
        gone_since=verdict.gone_since,
        severity=severity,
        severity_since=before.severity_since if severity == before.severity else changed_at,
    )
