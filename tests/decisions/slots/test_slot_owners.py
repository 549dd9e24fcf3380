"""Whose a slot is: the ledger's word, then the one subscription that names it, then nobody knows."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest

from pg_cdc.decisions.slots.owners import SeenSubscription, judge_looks, learn_owners
from pg_cdc.decisions.slots.world import Owner, OwnerKind, OwnerLook, OwnerState
from tests.decisions.slots.slot_facts import ACTIVE, OWNER

NATIVE = replace(ACTIVE, name="sub", plugin="pgoutput")
SEEN = SeenSubscription(
    kind=OwnerKind.NATIVE_SUBSCRIPTION, server="target-1", database="shop", name="orders", slot_name="sub"
)
PGLOGICAL = replace(SEEN, kind=OwnerKind.PGLOGICAL_SUBSCRIPTION)
UNKNOWN_ROW = Owner(kind=OwnerKind.UNKNOWN, how="there before a task of ours started")


@pytest.mark.parametrize(
    ("slot", "ledger", "seen", "kind", "owner_id"),
    [
        pytest.param({}, {"sub": OWNER}, [], OwnerKind.DMS_TASK, OWNER.owner_id, id="the-ledger"),
        pytest.param({}, {"sub": OWNER}, [SEEN], OwnerKind.DMS_TASK, OWNER.owner_id, id="the-ledger-wins"),
        pytest.param({}, {"other": OWNER}, [], OwnerKind.UNKNOWN, "", id="the-ledger-names-another-slot"),
        pytest.param({}, {}, [], OwnerKind.UNKNOWN, "", id="nothing-known"),
        pytest.param({}, {}, [SEEN], OwnerKind.NATIVE_SUBSCRIPTION, "target-1/shop/orders", id="a-subscription"),
        pytest.param(
            {},
            {"sub": UNKNOWN_ROW},
            [SEEN],
            OwnerKind.NATIVE_SUBSCRIPTION,
            "target-1/shop/orders",
            id="unknown-until-seen",
        ),
        pytest.param(
            {}, {}, [replace(SEEN, enabled=False)], OwnerKind.NATIVE_SUBSCRIPTION, "target-1/shop/orders", id="disabled"
        ),
        pytest.param({}, {}, [SEEN, SEEN], OwnerKind.NATIVE_SUBSCRIPTION, "target-1/shop/orders", id="one-seen-twice"),
        pytest.param({}, {}, [SEEN, replace(SEEN, server="x")], OwnerKind.UNKNOWN, "", id="two-that-name-it-are-a-tie"),
        pytest.param({}, {}, [replace(SEEN, slot_name="subs")], OwnerKind.UNKNOWN, "", id="a-name-that-begins-alike"),
        pytest.param({}, {}, [replace(SEEN, slot_name="")], OwnerKind.UNKNOWN, "", id="a-subscription-without-a-slot"),
        pytest.param(
            {"plugin": "test_decoding"}, {}, [SEEN], OwnerKind.UNKNOWN, "", id="it-could-not-read-this-plugin"
        ),
        pytest.param({"plugin": "pgoutput"}, {}, [PGLOGICAL], OwnerKind.UNKNOWN, "", id="pglogical-reads-no-pgoutput"),
        pytest.param(
            {"plugin": "pglogical_output"},
            {},
            [PGLOGICAL],
            OwnerKind.PGLOGICAL_SUBSCRIPTION,
            "target-1/shop/orders",
            id="a-pglogical-subscription",
        ),
        pytest.param(
            {}, {}, [replace(SEEN, source_database="billing")], OwnerKind.UNKNOWN, "", id="of-another-database"
        ),
        pytest.param(
            {},
            {},
            [replace(SEEN, source_database="shop")],
            OwnerKind.NATIVE_SUBSCRIPTION,
            "target-1/shop/orders",
            id="of-this-database",
        ),
        pytest.param({"slot_type": "physical"}, {}, [], OwnerKind.PHYSICAL_STANDBY, "", id="physical"),
        pytest.param(
            {"slot_type": "physical"},
            {"sub": OWNER},
            [],
            OwnerKind.PHYSICAL_STANDBY,
            "",
            id="physical-whatever-is-written",
        ),
    ],
)
def test_a_slot_is_of(slot, ledger, seen, kind, owner_id):
    owner = learn_owners([replace(NATIVE, **slot)], ledger, seen)["sub"]

    assert (owner.kind, owner.owner_id) == (kind, owner_id)
    assert owner.how


def test_every_slot_has_an_owner_and_only_slots_do():
    slots = [ACTIVE, NATIVE]

    assert set(learn_owners(slots, {"vanished": OWNER}, [SEEN])) == {"a", "sub"}


def test_a_tie_names_who_claims_the_slot():
    owner = learn_owners([NATIVE], {}, [SEEN, replace(SEEN, server="x")])["sub"]

    assert "target-1/shop/orders" in owner.how
    assert "x/shop/orders" in owner.how


YES, NO, NO_ANSWER = OwnerState.EXISTS, OwnerState.GONE, OwnerState.UNCHECKED


@pytest.mark.parametrize(
    ("first", "second", "state"),
    [
        pytest.param(NO, NO, OwnerState.GONE, id="twice-no"),
        pytest.param(NO, NO_ANSWER, OwnerState.UNCHECKED, id="one-no-and-no-answer"),
        pytest.param(NO, YES, OwnerState.EXISTS, id="one-no-and-a-yes-is-a-stale-no"),
        pytest.param(YES, NO_ANSWER, OwnerState.EXISTS, id="one-yes"),
        pytest.param(YES, YES, OwnerState.EXISTS, id="twice-yes"),
        pytest.param(NO_ANSWER, NO_ANSWER, OwnerState.UNCHECKED, id="no-answer-at-all"),
    ],
)
def test_two_looks_for_an_owner_come_to(first, second, state):
    looks = OwnerLook(state=first, text="by its ARN"), OwnerLook(state=second, text="among all")

    assert judge_looks(*looks).state is state
    assert judge_looks(*reversed(looks)).state is state


def test_only_two_times_no_is_gone():
    pairs = {pair for pair in product(OwnerState, repeat=2) if _judged(*pair) is OwnerState.GONE}

    assert pairs == {(NO, NO)}


def test_the_looks_tell_what_was_asked():
    gone = judge_looks(OwnerLook(state=NO, text="no task of this ARN"), OwnerLook(state=NO, text="not among 3 tasks"))

    assert gone.text == "no task of this ARN; not among 3 tasks"


def test_a_failed_look_tells_why_it_failed():
    unchecked = judge_looks(OwnerLook(state=NO, text="no task"), OwnerLook(state=NO_ANSWER, text="AccessDenied"))

    assert unchecked.text == "AccessDenied"


def _judged(first, second):
    return judge_looks(OwnerLook(state=first), OwnerLook(state=second)).state
