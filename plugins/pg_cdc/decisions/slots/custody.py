"""Say whose care a slot is in: protected, owned, a stranger's, or nobody's. Pure.

Only nobody's slot may ever be dropped, so every doubt makes it somebody's.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from pg_cdc.decisions.amounts import time_text
from pg_cdc.decisions.slots.history import LEFTOVER_SECONDS, quiet_since, used_since
from pg_cdc.decisions.slots.owners import UNKNOWN
from pg_cdc.decisions.slots.policy import Policy, protecting_pattern
from pg_cdc.decisions.slots.world import Owner, OwnerKind, OwnerLook, OwnerState, SlotRow, SourceFacts, Watch

BY_HAND = "on a read replica only a person drops one: the ledger says a name, and its primary may have a slot of it too"


class Care(StrEnum):
    """In whose care a slot is."""

    PROTECTED = "protected"
    OWNED = "owned"
    UNCHECKED = "unchecked"
    FOREIGN = "foreign"
    ORPHAN = "orphan"


@dataclass(frozen=True, kw_only=True)
class Custody:
    """Whose care a slot is in, and why.

    ``gone_since``: when its owner was first seen gone. ``drop_after``: when its grace ends; None: it is never dropped.
    ``disowned``: somebody else uses it for certain, and not the rest of its owner's connection.
    """

    care: Care
    owner: Owner
    reason: str
    gone_since: float | None = None
    drop_after: float | None = None
    seen_gone_before: bool = False
    disowned: bool = False


def judge_custody(facts: SourceFacts, slot: SlotRow, policy: Policy) -> Custody:
    """Return in whose care ``slot`` is."""
    owner = facts.owners.get(slot.name, UNKNOWN)
    if why := why_protected(facts.identifier, slot, policy):
        return Custody(care=Care.PROTECTED, owner=owner, reason=why)
    if owner.kind is OwnerKind.UNKNOWN or not owner.owner_id:
        return Custody(care=Care.FOREIGN, owner=owner, reason=f"nobody knows whose it is: {owner.how or UNKNOWN.how}")
    look = facts.looks.get(slot.name, OwnerLook(state=OwnerState.UNCHECKED, text="nobody looked"))
    known = _known_gone(facts, slot, owner)
    if look.state is OwnerState.EXISTS:
        return Custody(care=Care.OWNED, owner=owner, reason=f"of {describe_owner(facts, owner)}")
    if look.state is OwnerState.UNCHECKED:
        why = f"of {describe_owner(facts, owner)}; could not check that it exists: {look.text}"
        return Custody(care=Care.UNCHECKED, owner=owner, reason=why, gone_since=known)
    return _judge_abandoned(facts, slot, policy, owner=owner, known=known)


def may_drop(custody: Custody, slot: SlotRow, *, at: float) -> bool:
    """Tell whether the slot may go now: an earlier run saw its owner gone too, and the grace is over."""
    if custody.care is not Care.ORPHAN or not custody.seen_gone_before or custody.drop_after is None:
        return False
    return not slot.active and slot.slot_type == "logical" and at >= custody.drop_after


def why_protected(identifier: str, slot: SlotRow, policy: Policy) -> str:
    """Return why a slot is never dropped, whoever owns it; empty: nothing protects it."""
    if slot.slot_type != "logical":
        return f"a {slot.slot_type} slot: a standby may need it"
    if slot.temporary:
        return "temporary: it ends with its session"
    if slot.failover:
        return "a failover slot: it is kept for a standby"
    if slot.synced:
        return "synced from the primary: it is dropped there"
    pattern = protecting_pattern(identifier, slot.name, policy.protect)
    return f"protected by the pattern {pattern!r}" if pattern else ""


def describe_owner(facts: SourceFacts, owner: Owner) -> str:
    """Return an owner in words, with the state of its DMS task where that is known."""
    status = facts.tasks.get(owner.owner_id)
    return f"{owner.kind} {owner.owner_id}{f' ({status})' if status else ''}"


def _known_gone(facts: SourceFacts, slot: SlotRow, owner: Owner) -> float | None:
    """Return when an earlier run first saw this very owner gone."""
    watch = facts.watches.get(slot.name, Watch())
    return watch.gone_since if watch.owner_id == owner.owner_id else None


def _judge_abandoned(
    facts: SourceFacts, slot: SlotRow, policy: Policy, *, owner: Owner, known: float | None
) -> Custody:
    gone_since = facts.at if known is None else known
    history = facts.history.get(slot.name, ())
    gone = f"{describe_owner(facts, owner)} is gone"
    use = used_since(slot, history, gone_since)
    late = slot.active and facts.at > gone_since + LEFTOVER_SECONDS
    if use or slot.active:
        why = f"{gone}, but {use or 'it is read now'}: somebody else uses the slot"
        disowned = bool(use) or late
        return Custody(care=Care.FOREIGN, owner=owner, reason=why, gone_since=gone_since, disowned=disowned)
    drop_after = quiet_since(slot, history, gone_since, at=facts.at) + policy.grace_seconds
    left = drop_after - facts.at
    when = f"its grace ends in {time_text(left)}" if left > 0 else "its grace is over"
    return Custody(
        care=Care.ORPHAN,
        owner=owner,
        reason=f"{gone}, noticed {_ago(facts.at - gone_since)}; {BY_HAND if facts.in_recovery else when}",
        gone_since=gone_since,
        drop_after=None if facts.in_recovery else drop_after,
        seen_gone_before=known is not None,
    )


def _ago(seconds: float) -> str:
    return f"{time_text(seconds)} ago" if seconds > 0 else "just now"
