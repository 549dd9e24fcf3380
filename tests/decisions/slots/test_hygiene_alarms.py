"""An alarm says which slot, how bad, and why; and what was told is remembered for that slot alone."""

from __future__ import annotations

import pytest

from pg_cdc.decisions.slots.actions import AlarmChange
from pg_cdc.decisions.slots.alarms import alarm_of, put_off, told_watches
from pg_cdc.decisions.slots.world import Watch


def change(before: str, after: str) -> AlarmChange:
    return AlarmChange(identifier="shop", slot="s", before=before, after=after, text="why")


@pytest.mark.parametrize(
    ("before", "after", "title"),
    [("", "alarm", "Replication slot shop/s: alarm"), ("alarm", "", "Replication slot shop/s: well again")],
    ids=["raised", "cleared"],
)
def test_the_title_says_which_slot_and_how_it_is(before, after, title):
    alarm = alarm_of(change(before, after))

    assert (alarm["title"], alarm["text"]) == (title, "why")
    assert (alarm["source"], alarm["slot"], alarm["severity"], alarm["before"]) == ("shop", "s", after, before)


def test_what_was_told_is_remembered_and_all_else_stays():
    watches = {"s": Watch(owner_id="arn", gone_since=1.0), "t": Watch(severity="watch", severity_since=2.0)}

    told = told_watches(watches, change("", "alarm"), at=9.0)

    assert told["s"] == Watch(owner_id="arn", gone_since=1.0, severity="alarm", severity_since=9.0)
    assert told["t"] == watches["t"]


def test_a_cleared_alarm_of_a_slot_without_more_to_remember_is_blank():
    told = told_watches({"s": Watch(severity="alarm", severity_since=1.0)}, change("alarm", ""), at=9.0)

    assert told == {"s": Watch()}


def test_a_slot_that_nobody_watched_is_remembered_too():
    assert told_watches({}, change("", "watch"), at=9.0) == {"s": Watch(severity="watch", severity_since=9.0)}


def test_slots_that_a_human_kept_have_their_grace_anew_and_all_else_stays():
    watches = {"s": Watch(owner_id="arn", gone_since=1.0, severity="watch"), "t": Watch(owner_id="arn", gone_since=1.0)}

    kept = put_off(watches, {"s", "nobody-watches-it"}, at=9.0)

    assert kept == {**watches, "s": Watch(owner_id="arn", gone_since=9.0, severity="watch")}
