"""In no world is a slot dropped that somebody needs, and in every world an orphan past its grace goes.

The worlds can fail: each rule of the decisions, broken on purpose, is caught.
"""

from __future__ import annotations

import inspect
import textwrap
from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pg_cdc.decisions.slots import actions as slot_actions
from pg_cdc.decisions.slots import custody
from pg_cdc.decisions.slots import history as slot_history
from pg_cdc.decisions.slots import owners as slot_owners
from tests.decisions.slots.slot_worlds import Wrong, play

WORLDS_EACH = 1000
ENOUGH = 20_000
"""Worlds in which a broken rule has to show."""


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize(
    ("examples", "worlds_played", "dropped"),
    [(16, 15_000, 150), pytest.param(105, 100_000, 1000, marks=pytest.mark.exhaustive)],
)
def test_no_world_loses_a_slot_that_somebody_needs_and_none_keeps_an_orphan(examples, worlds_played, dropped):
    seen: Counter[str] = Counter()

    @settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck))
    @given(seed=st.integers(0, 2**64 - 1))
    def worlds(seed):
        seen.update(play(seed, WORLDS_EACH))

    worlds()

    assert seen["worlds"] > worlds_played
    assert seen["dropped"] > dropped


def test_the_worlds_hold_every_reason_to_leave_a_slot_alone():
    seen = play(1, 5000)

    assert {reason for reason, times in seen.items() if times > 50} >= {
        "dropped",
        "of a run that does not act",
        "on a replica",
        "protected",
        "foreign",
        "owned",
        "active",
        "not proved ownerless",
        "seen ownerless for the first time",
        "within its grace",
    }


BROKEN = [
    pytest.param(custody.why_protected, "if slot.temporary:", "if False:", id="temporary-slots-are-not-protected"),
    pytest.param(custody.why_protected, "if slot.failover:", "if False:", id="failover-slots-are-not-protected"),
    pytest.param(custody.why_protected, "if slot.synced:", "if False:", id="synced-slots-are-not-protected"),
    pytest.param(custody.why_protected, "policy.protect", "()", id="patterns-do-not-protect"),
    pytest.param(
        custody.judge_custody,
        "owner.kind is OwnerKind.UNKNOWN or not owner.owner_id",
        "False",
        id="an-unknown-owner-can-be-gone",
    ),
    pytest.param(custody.judge_custody, "look.state is OwnerState.UNCHECKED", "False", id="unchecked-is-gone"),
    pytest.param(
        slot_owners.judge_looks,
        "(OwnerState.EXISTS, OwnerState.UNCHECKED)",
        "(OwnerState.EXISTS,)",
        id="one-no-and-no-answer-is-gone",
    ),
    pytest.param(
        slot_owners.judge_looks,
        "(OwnerState.EXISTS, OwnerState.UNCHECKED)",
        "(OwnerState.UNCHECKED,)",
        id="a-yes-beside-a-no-is-overheard",
    ),
    pytest.param(
        custody.judge_custody,
        'reason=f"of {describe_owner(facts, owner)}")',
        'reason="x", gone_since=known)',
        id="an-owner-that-is-back-keeps-its-past",
    ),
    pytest.param(
        custody._known_gone, "if watch.owner_id == owner.owner_id", "if True", id="a-new-owner-inherits-a-past"
    ),
    pytest.param(custody.may_drop, "not custody.seen_gone_before or", "", id="the-first-sight-is-enough"),
    pytest.param(custody._judge_abandoned, "+ policy.grace_seconds", "", id="no-grace"),
    pytest.param(
        custody._judge_abandoned, "None if facts.in_recovery else drop_after", "drop_after", id="a-replicas-slot-goes"
    ),
    pytest.param(slot_history.quiet_since, "starts.append(slot.inactive_since)", "pass", id="17-is-not-asked"),
    pytest.param(
        slot_history.quiet_since, "if look.active", "if False", id="the-rest-of-a-connection-does-not-delay-the-grace"
    ),
    pytest.param(slot_history.used_since, "look.active and", "False and", id="a-reader-goes-unseen"),
    pytest.param(slot_history.used_since, "has_moved(slot, look)", "False", id="a-move-goes-unseen"),
    pytest.param(custody.judge_custody, "gone_since=known", "gone_since=None", id="no-answer-forgets-who-used-it"),
    pytest.param(slot_actions.choose_drops, "not acts or policy.dry_run", "not acts", id="a-dry-run-drops"),
    pytest.param(slot_actions.choose_drops, "not acts or policy.dry_run", "policy.dry_run", id="a-report-drops"),
    pytest.param(custody._judge_abandoned, "if known is None", "if True", id="every-sight-is-the-first"),
    pytest.param(custody._judge_abandoned, "+ policy.grace_seconds", "+ policy.grace_seconds + 1", id="too-much-grace"),
    pytest.param(slot_actions._next_watch, "gone_since=verdict.gone_since", "gone_since=None", id="nothing-is-kept"),
    pytest.param(slot_history.used_since, "> since + LEFTOVER_SECONDS", ">= since", id="a-rest-of-a-reader-is-a-use"),
    pytest.param(slot_history.has_moved, "return", "return True or", id="every-slot-seems-to-move"),
]


@pytest.mark.parametrize(("function", "old", "new"), BROKEN)
def test_a_broken_rule_is_caught(function, old, new, monkeypatch):
    break_rule(monkeypatch, function, old, new)

    with pytest.raises(Wrong):
        play(8, ENOUGH)


def test_a_reader_of_an_orphan_is_guarded_twice(monkeypatch):
    """Either guard alone keeps a slot that is read; without both, it goes."""
    break_rule(monkeypatch, custody.may_drop, "not slot.active and", "")
    play(7, 2000)
    break_rule(monkeypatch, custody._judge_abandoned, "if use or slot.active:", "if use:")

    with pytest.raises(Wrong, match="which is active"):
        play(8, ENOUGH)


def break_rule(monkeypatch, function, old: str, new: str) -> None:
    """Put ``new`` in place of ``old`` in the code that runs, wherever the function was imported to."""
    source = textwrap.dedent(inspect.getsource(function))
    assert source.count(old) == 1, f"{old!r} is {source.count(old)} times in {function.__name__}"
    made: dict[str, object] = {}
    code = compile(f"from __future__ import annotations\n{source.replace(old, new)}", "<broken>", "exec")
    exec(code, function.__globals__, made)
    monkeypatch.setattr(function, "__code__", made[function.__name__].__code__)
