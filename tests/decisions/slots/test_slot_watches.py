"""What people are told, once per change, and what is remembered from run to run."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pg_cdc.decisions.slots.actions import (
    changed_alarms,
    next_watches,
)
from pg_cdc.decisions.slots.dangers import Severity
from pg_cdc.decisions.slots.verdicts import Kind, judge_source
from pg_cdc.decisions.slots.world import Watch
from tests.decisions.slots.slot_facts import (
    ACTIVE,
    ACTS,
    EXISTS,
    GONE,
    GONE_FOR_25_H,
    IDLE,
    NOW,
    OWNER,
    UNCHECKED,
    abandoned,
    server,
)


def verdicts(facts):
    return judge_source(facts, ACTS)


(HEALTHY,) = verdicts(server())


def severe(severity: Severity):
    return replace(HEALTHY, severity=severity, kind=Kind.ALARM)


@pytest.mark.parametrize(
    ("told", "now", "change"),
    [
        pytest.param("", Severity.NONE, None, id="well-as-before"),
        pytest.param("", Severity.ALARM, ("", "alarm"), id="raised"),
        pytest.param("alarm", Severity.ALARM, None, id="told-already"),
        pytest.param("watch", Severity.ALARM, ("watch", "alarm"), id="worse"),
        pytest.param("alarm", Severity.WATCH, ("alarm", "watch"), id="better"),
        pytest.param("alarm", Severity.NONE, ("alarm", ""), id="over"),
        pytest.param("alarm", Severity.LOST, ("alarm", "lost"), id="too-late"),
        pytest.param("alarm", None, ("alarm", ""), id="the-slot-is-gone"),
        pytest.param("", None, None, id="a-slot-of-which-nothing-was-told-is-gone"),
    ],
)
def test_people_are_told_once_per_change(told, now, change):
    judged = [] if now is None else [severe(now)]

    changes = changed_alarms("shop-1", judged, {"a": Watch(severity=told)})

    assert [(c.before, c.after) for c in changes] == ([change] if change else [])
    assert all(c.text.startswith("shop-1/a: ") and (c.identifier, c.slot) == ("shop-1", "a") for c in changes)


def test_an_alarm_says_what_it_was_and_why():
    (raised,) = changed_alarms("shop-1", verdicts(server(replace(ACTIVE, wal_status="lost"))), {})

    assert raised.text.startswith("shop-1/a: lost (was well): of dms-task")
    assert "begin anew" in raised.text


def test_the_end_of_an_alarm_is_told_when_the_slot_is_gone():
    (over,) = changed_alarms("shop-1", [], {"a": Watch(severity="alarm")})

    assert over.text == "shop-1/a: well again (was alarm): the slot is no longer there"


@pytest.mark.parametrize("told", [True, False])
@pytest.mark.parametrize(
    ("facts", "gone_since"),
    [
        pytest.param(server(), None, id="the-owner-exists"),
        pytest.param(server(IDLE, owner_look=GONE), NOW, id="gone-for-the-first-time"),
        pytest.param(abandoned(), GONE_FOR_25_H.gone_since, id="gone-as-before"),
        pytest.param(abandoned(owner_look=EXISTS), None, id="back-again"),
        pytest.param(abandoned(owner_look=UNCHECKED), GONE_FOR_25_H.gone_since, id="not-known-now-is-not-back-again"),
        pytest.param(abandoned(owner_look=None), GONE_FOR_25_H.gone_since, id="nobody-looked-now"),
        pytest.param(server(IDLE, owner_look=UNCHECKED), None, id="not-known-and-never-gone"),
        pytest.param(abandoned(owner=replace(OWNER, owner_id="arn:new")), NOW, id="another-owner-gone-begins-anew"),
        pytest.param(
            abandoned(owner=replace(OWNER, owner_id="arn:new"), owner_look=UNCHECKED),
            None,
            id="another-owner-unchecked",
        ),
        pytest.param(abandoned(ACTIVE), GONE_FOR_25_H.gone_since, id="used-by-somebody-else"),
        pytest.param(abandoned(replace(IDLE, failover=True)), None, id="protected"),
    ],
)
def test_since_when_an_owner_is_gone_is_remembered(facts, gone_since, told):
    watch = next_watches(facts, verdicts(facts), told=told)["a"]

    assert watch.gone_since == gone_since
    assert watch.owner_id == facts.owners["a"].owner_id


@pytest.mark.parametrize(
    ("before", "now", "told", "severity", "since"),
    [
        pytest.param(Watch(), Severity.ALARM, True, "alarm", NOW, id="told"),
        pytest.param(Watch(), Severity.ALARM, False, "", None, id="not-told-so-it-is-tried-again"),
        pytest.param(Watch(severity="alarm", severity_since=5.0), Severity.ALARM, True, "alarm", 5.0, id="as-before"),
        pytest.param(Watch(severity="alarm", severity_since=5.0), Severity.NONE, True, "", None, id="over-and-told"),
        pytest.param(Watch(severity="alarm", severity_since=5.0), Severity.NONE, False, "alarm", 5.0, id="over-untold"),
        pytest.param(Watch(severity="watch", severity_since=5.0), Severity.ALARM, True, "alarm", NOW, id="worse"),
    ],
)
def test_a_severity_is_remembered_when_it_was_told(before, now, told, severity, since):
    watch = next_watches(server(watch=before), [severe(now)], told=told)["a"]

    assert (watch.severity, watch.severity_since) == (severity, since)


@pytest.mark.parametrize(
    ("before", "told", "after"),
    [
        pytest.param(GONE_FOR_25_H, True, {"a": Watch()}, id="forgotten"),
        pytest.param(replace(GONE_FOR_25_H, severity="alarm"), True, {"a": Watch()}, id="its-alarm-was-cleared"),
        pytest.param(
            replace(GONE_FOR_25_H, severity="alarm", severity_since=5.0),
            False,
            {"a": Watch(severity="alarm", severity_since=5.0)},
            id="its-alarm-is-still-to-be-cleared",
        ),
        pytest.param(Watch(), True, {}, id="forgotten-before"),
    ],
)
def test_the_next_slot_of_a_name_inherits_nothing(before, told, after):
    facts = server(slots=(), watches={"a": before})

    assert next_watches(facts, [], told=told) == after


def test_remembering_twice_is_remembering_once():
    facts = abandoned()
    once = next_watches(facts, verdicts(facts), told=True)
    again = replace(facts, watches=once)

    assert next_watches(again, verdicts(again), told=True) == once
    assert changed_alarms("shop-1", verdicts(again), once) == ()


@given(runs=st.lists(st.tuples(st.sampled_from([*Severity, None]), st.booleans())))
def test_people_hear_every_change_once_and_know_how_it_stands_whenever_telling_works(runs):
    """``None``: the slot is gone in that run, and may be there again in the next."""
    heard, watches = "", {}
    for severity, telling_works in runs:
        judged = [] if severity is None else [severe(severity)]
        changes = changed_alarms("shop-1", judged, watches)
        watches = next_watches(server(watches=watches), judged, told=telling_works)
        if telling_works:
            assert [change.before for change in changes] in ([], [heard])
            heard = changes[0].after if changes else heard
            assert heard == (severity or "")
