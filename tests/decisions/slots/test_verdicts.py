"""The verdict on a slot: in whose care it is, how bad it is, and whether it may go."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pg_cdc.decisions.slots.policy import GIB, Policy
from pg_cdc.decisions.slots.verdicts import Kind, judge_slot, judge_source
from pg_cdc.decisions.slots.world import Owner, OwnerKind, Watch
from tests.decisions.slots.slot_facts import (
    ACTIVE,
    ACTS,
    DAY,
    EXISTS,
    GONE,
    GONE_FOR_25_H,
    HOUR,
    IDLE,
    NOW,
    OWNER,
    STRANGER,
    TASK,
    UNCHECKED,
    abandoned,
    every_hour,
    judge,
    look,
    server,
)

SUBSCRIPTION = Owner(kind=OwnerKind.NATIVE_SUBSCRIPTION, owner_id="target-1/shop/orders")


@pytest.mark.parametrize(
    ("facts", "kind"),
    [
        pytest.param(server(), Kind.HEALTHY, id="read-by-its-owner"),
        pytest.param(server(IDLE), Kind.HEALTHY, id="a-task-stopped-a-moment-ago"),
        pytest.param(server(IDLE, owner_look=UNCHECKED), Kind.WATCH, id="idle-and-the-owner-could-not-be-checked"),
        pytest.param(server(IDLE, owner_look=None), Kind.WATCH, id="idle-and-nobody-looked-for-the-owner"),
        pytest.param(server(owner_look=UNCHECKED), Kind.HEALTHY, id="read-and-the-owner-could-not-be-checked"),
        pytest.param(server(owner=STRANGER), Kind.FOREIGN, id="of-nobody-we-know"),
        pytest.param(server(owner=STRANGER, owner_look=GONE), Kind.FOREIGN, id="an-unknown-owner-cannot-be-gone"),
        pytest.param(server(owner=replace(OWNER, owner_id="")), Kind.FOREIGN, id="an-owner-without-an-id"),
        pytest.param(server(owners={}), Kind.FOREIGN, id="without-any-owner"),
        pytest.param(abandoned(), Kind.ORPHAN, id="the-owner-is-gone"),
        pytest.param(server(IDLE, owner_look=GONE), Kind.ORPHAN, id="the-owner-is-gone-since-just-now"),
        pytest.param(replace(abandoned(), in_recovery=True), Kind.ORPHAN, id="the-owner-of-one-on-a-replica-is-gone"),
        pytest.param(server(owner_look=GONE), Kind.FOREIGN, id="the-owner-is-gone-and-somebody-reads-it"),
        pytest.param(abandoned(owner_look=EXISTS), Kind.WATCH, id="the-owner-is-back-and-idle-for-a-day"),
        pytest.param(server(replace(ACTIVE, wal_status="lost")), Kind.LOST, id="lost"),
    ],
)
def test_a_slot_is(facts, kind):
    verdict = judge(facts)

    assert verdict.kind is kind
    assert all(verdict.reasons)


@pytest.mark.parametrize(
    ("change", "protect"),
    [
        pytest.param({"slot_type": "physical", "plugin": None}, (), id="physical"),
        pytest.param({"temporary": True}, (), id="temporary"),
        pytest.param({"failover": True}, (), id="failover"),
        pytest.param({"synced": True}, (), id="synced"),
        pytest.param({}, ("a",), id="named-by-the-policy"),
        pytest.param({}, ("x", "?"), id="covered-by-one-of-the-patterns"),
        pytest.param({}, ("shop-1/*",), id="every-slot-of-the-server"),
    ],
)
def test_a_protected_slot_is_never_dropped(change, protect):
    verdict = judge(abandoned(replace(IDLE, **change)), replace(ACTS, protect=protect))

    assert verdict.kind is Kind.PROTECTED
    assert not verdict.drop


@pytest.mark.parametrize("pattern", ["A", "shop-2/*", "", "a?"])
def test_a_pattern_that_does_not_cover_a_slot_protects_nothing(pattern):
    assert judge(abandoned(), replace(ACTS, protect=(pattern,))).drop


def of_subscription(**change):
    watch = replace(GONE_FOR_25_H, owner_id=SUBSCRIPTION.owner_id)
    return abandoned(owner=SUBSCRIPTION, watch=watch, **change)


@pytest.mark.parametrize(
    ("facts", "drop"),
    [
        pytest.param(abandoned(), True, id="a-deleted-task"),
        pytest.param(of_subscription(), True, id="a-dropped-subscription"),
        pytest.param(abandoned(replace(IDLE, wal_status="lost")), True, id="lost-too"),
        pytest.param(abandoned(replace(IDLE, restart_lsn=None), history=every_hour(25)), True, id="lost-meanwhile"),
        pytest.param(abandoned(owner_look=EXISTS), False, id="its-task-exists"),
        pytest.param(abandoned(owner_look=UNCHECKED), False, id="could-not-check-now"),
        pytest.param(abandoned(owner_look=None), False, id="nobody-looked-now"),
        pytest.param(abandoned(owner=STRANGER), False, id="owner-unknown"),
        pytest.param(abandoned(watch=None), False, id="no-earlier-run-saw-it-gone"),
        pytest.param(abandoned(watch=replace(GONE_FOR_25_H, owner_id="arn:other")), False, id="another-owner-was-gone"),
        pytest.param(abandoned(watch=Watch(owner_id=TASK)), False, id="an-earlier-run-saw-it-there"),
        pytest.param(abandoned(ACTIVE, history=every_hour(25)), False, id="read-now"),
        pytest.param(abandoned(history=()), False, id="no-look-shows-that-nobody-used-it"),
        pytest.param(abandoned(history=every_hour(23)), False, id="looks-of-23-hours-do-not-show-24"),
        pytest.param(abandoned(history=every_hour(24)), True, id="looks-of-24-hours-do"),
        pytest.param(abandoned(history=every_hour(300)), True, id="what-was-before-does-not-matter"),
        pytest.param(
            abandoned(history=[look(30, restart_lsn=1), *every_hour(25)]), True, id="moved-by-its-owner-before"
        ),
        pytest.param(abandoned(history=[look(30, active=True), *every_hour(25)]), True, id="read-by-its-owner-before"),
    ],
)
def test_an_orphan_is_dropped(facts, drop):
    assert judge(facts).drop is drop


@pytest.mark.parametrize(
    ("seen_gone", "drop"),
    [
        pytest.param(24 * HOUR, True, id="at-the-end-of-grace"),
        pytest.param(24 * HOUR - 2, False, id="a-moment-before"),
        pytest.param(0, False, id="in-this-moment"),
        pytest.param(-HOUR, False, id="in-the-future-since-the-clock-went-back"),
    ],
)
def test_an_orphan_has_its_grace(seen_gone, drop):
    watch = Watch(owner_id=TASK, gone_since=NOW - seen_gone)

    verdict = judge(abandoned(watch=watch, history=every_hour(48)))

    assert verdict.drop is drop
    assert verdict.kind is Kind.ORPHAN
    assert verdict.drop_after == pytest.approx(NOW - seen_gone + DAY, abs=HOUR)


def test_an_orphan_on_a_read_replica_is_for_a_person_to_drop():
    here = abandoned(watch=GONE_FOR_25_H, history=every_hour(48))
    assert judge(here).drop

    verdict = judge(replace(here, in_recovery=True))

    assert (verdict.drop, verdict.drop_after, verdict.gone_since) == (False, None, GONE_FOR_25_H.gone_since)
    assert "only a person drops one" in verdict.reasons[0]


def test_without_grace_an_orphan_still_needs_two_runs():
    eager = replace(ACTS, grace_seconds=0)
    here = (look(0),)

    assert not judge(server(IDLE, owner_look=GONE, history=here), eager).drop
    assert judge(server(IDLE, owner_look=GONE, history=here, watch=Watch(owner_id=TASK, gone_since=NOW)), eager).drop


@pytest.mark.parametrize(
    ("change", "drop"),
    [
        pytest.param({"inactive_since": NOW - 30 * HOUR}, True, id="idle-before-its-owner-was-gone"),
        pytest.param({"inactive_since": NOW - 24 * HOUR}, True, id="idle-for-the-grace"),
        pytest.param({"inactive_since": NOW - 23 * HOUR}, False, id="idle-for-less-as-after-a-restart-of-the-server"),
    ],
)
def test_postgresql_17_knows_since_when_a_slot_is_idle(change, drop):
    verdict = judge(abandoned(replace(IDLE, **change)))

    assert verdict.drop is drop
    assert verdict.kind is Kind.ORPHAN


@pytest.mark.parametrize(
    "used",
    [
        pytest.param(look(10, active=True), id="read-in-between"),
        pytest.param(look(10, restart_lsn=IDLE.restart_lsn - 1), id="restart-lsn-moved"),
        pytest.param(look(10, confirmed_flush_lsn=IDLE.confirmed_flush_lsn - 1), id="confirmed-lsn-moved"),
        pytest.param(look(10, restart_lsn=IDLE.restart_lsn + 1), id="made-anew-or-restored"),
        pytest.param(look(10, restart_lsn=None), id="got-a-place-it-had-not"),
        pytest.param(look(25, confirmed_flush_lsn=1), id="moved-since-the-very-run-that-saw-the-owner-gone"),
    ],
)
def test_a_slot_used_after_its_owner_was_gone_is_somebody_elses_for_good(used):
    verdict = judge(abandoned(history=[*every_hour(25), used]))

    assert verdict.kind is Kind.FOREIGN
    assert verdict.disowned
    assert not verdict.drop
    assert verdict.gone_since == GONE_FOR_25_H.gone_since


@pytest.mark.parametrize(
    ("minutes", "kind", "disowned"),
    [
        pytest.param(0, Kind.FOREIGN, False, id="at-once-it-may-be-the-rest-of-the-owners-connection"),
        pytest.param(10, Kind.FOREIGN, False, id="ten-minutes-later-too"),
        pytest.param(11, Kind.FOREIGN, True, id="later-it-is-somebody-else"),
    ],
)
def test_a_slot_still_read_after_its_owner_is_gone(minutes, kind, disowned):
    watch = Watch(owner_id=TASK, gone_since=NOW - 60 * minutes)

    verdict = judge(server(ACTIVE, owner_look=GONE, watch=watch))

    assert (verdict.kind, verdict.disowned, verdict.drop) == (kind, disowned, False)


def test_the_rest_of_the_owners_connection_makes_nobody_an_owner_and_delays_the_grace():
    leftover = look(25 - 0.1, active=True)

    verdict = judge(abandoned(history=[*every_hour(25), leftover]))

    assert verdict.kind is Kind.ORPHAN
    assert verdict.drop
    assert verdict.drop_after == leftover.at + DAY


def test_one_slot_is_judged_as_among_all():
    other = replace(IDLE, name="b")
    history = {"b": every_hour(10, other, wal_per_hour=GIB)}
    facts = replace(server(), slots=(ACTIVE, other), history=history)

    assert tuple(judge_slot(facts, slot, ACTS) for slot in facts.slots) == judge_source(facts, ACTS)


def test_a_dry_run_judges_alike():
    assert judge(abandoned(), Policy(dry_run=True)).drop


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        pytest.param(server(IDLE, tasks={TASK: "stopped"}), f"of dms-task {TASK} (stopped)", id="owned"),
        pytest.param(server(owner=replace(STRANGER, how="by hand")), "nobody knows whose it is: by hand", id="why"),
        pytest.param(server(owners={}), "nobody knows whose it is: neither the ledger nor", id="never-learned"),
        pytest.param(server(owner_look=UNCHECKED), "could not check that it exists: asked", id="unchecked"),
        pytest.param(server(owner_look=None), "could not check that it exists: nobody looked", id="not-looked-for"),
        pytest.param(server(owner_look=GONE), "is gone, but it is read now: somebody else", id="read-now"),
        pytest.param(
            abandoned(ACTIVE, history=[look(9, active=True)]),
            "is gone, but it was read since: somebody",
            id="read-since",
        ),
        pytest.param(abandoned(), "is gone, noticed 25.0 h ago; its grace is over", id="past-its-grace"),
        pytest.param(abandoned(history=every_hour(24)), "ago; its grace is over", id="at-the-end-of-its-grace"),
        pytest.param(abandoned(history=every_hour(20)), "ago; its grace ends in 4.0 h", id="within-its-grace"),
        pytest.param(server(IDLE, owner_look=GONE), "is gone, noticed just now; its grace ends", id="new"),
    ],
)
def test_the_first_reason_says_in_whose_care_a_slot_is(facts, words):
    assert words in judge(facts).reasons[0]
