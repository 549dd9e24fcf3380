"""What a run does about its verdicts: which slots go, who is cut off, whose slot is his no more."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pg_cdc.decisions.slots.actions import (
    Termination,
    choose_drops,
    disowned,
    terminations,
)
from pg_cdc.decisions.slots.policy import GIB, Policy
from pg_cdc.decisions.slots.verdicts import judge_source
from pg_cdc.decisions.slots.world import OwnerKind
from tests.decisions.slots.slot_facts import (
    ACTIVE,
    ACTS,
    GONE,
    HOUR,
    TASK,
    UNCHECKED,
    abandoned,
    every_hour,
    look,
    server,
)


def verdicts(facts, policy=ACTS):
    return judge_source(facts, policy)


(ORPHAN,) = verdicts(abandoned())
(HEALTHY,) = verdicts(server())
LOST = replace(ORPHAN.slot, retained_bytes=None, restart_lsn=None, wal_status="lost")
UNREADABLE = replace(ORPHAN.slot, retained_bytes=None)


def orphans(number, slot=ORPHAN.slot):
    return [(f"shop-{n}", replace(ORPHAN, slot=slot)) for n in range(number)]


@pytest.mark.parametrize(
    ("judged", "policy", "acts", "drops", "withheld", "approval"),
    [
        pytest.param([], {}, True, 0, 0, False, id="nothing"),
        pytest.param([("shop-1", HEALTHY)], {}, True, 0, 0, False, id="nothing-ripe"),
        pytest.param([("shop-1", HEALTHY), *orphans(1)], {}, True, 1, 0, False, id="one-orphan"),
        pytest.param(orphans(5), {}, True, 5, 0, False, id="as-many-as-allowed"),
        pytest.param(orphans(6), {}, True, 6, 0, True, id="one-more-and-all-wait-for-a-human"),
        pytest.param(orphans(1), {"max_drops": 0}, True, 1, 0, True, id="ask-always"),
        pytest.param(orphans(1), {"max_drop_bytes": GIB}, True, 1, 0, False, id="as-much-wal-as-allowed"),
        pytest.param(orphans(1), {"max_drop_bytes": GIB - 1}, True, 1, 0, True, id="more-wal-than-allowed"),
        pytest.param(orphans(2), {"max_drop_bytes": 2 * GIB - 1}, True, 2, 0, True, id="more-in-sum-over-all-sources"),
        pytest.param(orphans(1, LOST), {"max_drop_bytes": 0}, True, 1, 0, False, id="a-lost-one-holds-nothing"),
        pytest.param(orphans(1, UNREADABLE), {}, True, 1, 0, True, id="what-it-holds-back-is-not-known"),
        pytest.param(orphans(2), {"dry_run": True}, True, 0, 2, False, id="a-dry-run"),
        pytest.param(orphans(9), {"dry_run": True}, True, 0, 9, False, id="a-dry-run-asks-nobody"),
        pytest.param(orphans(2), {}, False, 0, 2, False, id="a-run-that-only-reports"),
    ],
)
def test_what_is_dropped(judged, policy, acts, drops, withheld, approval):
    plan = choose_drops(judged, replace(ACTS, **policy), acts=acts)

    assert (len(plan.drops), len(plan.withheld), plan.needs_approval) == (drops, withheld, approval)
    assert plan.why


def test_a_dry_run_is_the_default():
    assert choose_drops(orphans(1), Policy(), acts=True).drops == ()


def test_only_what_is_ripe_is_ever_in_a_plan():
    plan = choose_drops([("shop-1", HEALTHY), ("shop-2", ORPHAN)], ACTS, acts=True)

    assert plan.drops == (("shop-2", ORPHAN),)


@pytest.mark.parametrize(
    ("judged", "policy", "acts", "why"),
    [
        pytest.param([("shop-1", HEALTHY)], ACTS, True, "no slot is to be dropped", id="nothing"),
        pytest.param([], Policy(), False, "no slot is to be dropped", id="nothing-whatever-the-run"),
        pytest.param(orphans(1), ACTS, True, "1 orphan past grace", id="dropped"),
        pytest.param(orphans(1), Policy(), True, "dry run", id="a-dry-run"),
        pytest.param(orphans(1), Policy(), False, "this run only reports", id="a-report-first-of-all"),
        pytest.param(orphans(6), ACTS, True, "6 slots, over 5: a human has to allow it", id="too-many"),
        pytest.param(
            orphans(1, UNREADABLE),
            ACTS,
            True,
            "what shop-0/a holds back is not known: a human has to allow it",
            id="unknown",
        ),
    ],
)
def test_a_plan_says_why(judged, policy, acts, why):
    assert choose_drops(judged, policy, acts=acts).why == why


def test_a_human_is_told_all_that_is_unusual():
    plan = choose_drops(orphans(6, replace(ORPHAN.slot, retained_bytes=3 * GIB)), ACTS, acts=True)

    assert "6 slots, over 5" in plan.why
    assert "18.0 GiB held back, over 10.0 GiB" in plan.why


@pytest.mark.parametrize(
    ("slot", "policy", "pids"),
    [
        pytest.param({}, {}, [], id="nobody-named-it"),
        pytest.param({}, {"terminate": ("shop-1/a",)}, [77], id="named-in-full"),
        pytest.param({}, {"terminate": ("a",)}, [], id="named-without-its-server"),
        pytest.param({}, {"terminate": ("shop-2/a",)}, [], id="named-on-another-server"),
        pytest.param({}, {"terminate": ("shop-1/*", "*", "shop-1/")}, [], id="a-pattern-names-nothing"),
        pytest.param({}, {"terminate": ("shop-1/a",), "dry_run": True}, [], id="in-a-dry-run"),
        pytest.param({}, {"terminate": ("shop-1/a",), "protect": ("a",)}, [], id="protected-by-name"),
        pytest.param({"active": False, "active_pid": None}, {"terminate": ("shop-1/a",)}, [], id="nobody-reads-it"),
        pytest.param({"active_pid": None}, {"terminate": ("shop-1/a",)}, [], id="who-reads-it-is-not-known"),
    ],
)
def test_a_reader_is_ended_only_where_its_slot_is_named(slot, policy, pids):
    ended = terminations(server(replace(ACTIVE, **slot)), replace(ACTS, **policy))

    assert ended == tuple(Termination(identifier="shop-1", slot="a", pid=pid) for pid in pids)


def test_a_slot_that_somebody_else_uses_is_taken_from_its_owner_in_the_ledger():
    facts = abandoned(history=[*every_hour(25), look(10, active=True)])

    (owner,) = disowned(facts, verdicts(facts)).values()

    assert owner.kind is OwnerKind.UNKNOWN
    assert TASK in owner.how
    assert "somebody else" in owner.how


@pytest.mark.parametrize(
    "facts",
    [
        pytest.param(server(), id="owned"),
        pytest.param(abandoned(), id="an-orphan"),
        pytest.param(server(owner_look=GONE), id="the-rest-of-the-owners-connection"),
        pytest.param(abandoned(owner_look=UNCHECKED, history=[look(1 / HOUR, active=True)]), id="could-not-check"),
    ],
)
def test_no_other_slot_is_taken_from_its_owner(facts):
    assert disowned(facts, verdicts(facts)) == {}
