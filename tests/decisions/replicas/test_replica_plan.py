"""What becomes of a read replica: made, left, promoted, deleted, or refused with the reason."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pg_cdc.config.replica import Goal, ReplicaSpec, replica_from_params
from pg_cdc.decisions.names import TAG
from pg_cdc.decisions.replicas.plan import ReplicaFacts, plan_replica
from pg_cdc.decisions.world import Engine
from pg_cdc.failures import Differs, NotAllowed, NotOurs, PreflightFailed, SpecInvalid
from tests.decisions.parameters.parameter_world import aurora, migration, rds

OURS, THEIRS = {TAG: "orders"}, {TAG: "billing"}
SOURCE = rds(replicas=("shop-r1",))


def instance(identifier: str = "shop-reader", **fields):
    return rds(**{"identifier": identifier, "replica_of": "shop", "tags": OURS, **fields})


def plan(goal: Goal, found=None, *, chain=(SOURCE,), source=SOURCE, adopt=False, **wanted):
    spec = ReplicaSpec.model_validate({"identifier": "shop-reader", "goal": goal, **wanted})
    facts = ReplicaFacts(source=source, chain=chain, replica=found)
    return plan_replica(facts, spec, migration(safety={"adopt_existing": adopt}))


def done(plan) -> set[str]:
    return {name for name in ("create", "adopt", "promote", "delete") if getattr(plan, name)}


@pytest.mark.parametrize(
    ("goal", "found", "does"),
    [
        pytest.param(Goal.FOLLOWING, None, {"create"}, id="made"),
        pytest.param(Goal.FOLLOWING, instance(), set(), id="there-already"),
        pytest.param(Goal.PROMOTED, None, {"create", "promote"}, id="made-and-promoted"),
        pytest.param(Goal.PROMOTED, instance(), {"promote"}, id="promoted"),
        pytest.param(Goal.PROMOTED, instance(replica_of=None), set(), id="promoted-already"),
        pytest.param(Goal.GONE, instance(), {"delete"}, id="deleted"),
        pytest.param(Goal.GONE, None, set(), id="gone-already"),
    ],
)
def test_the_goal_decides_and_what_is_so_already_is_left(goal, found, does):
    decided = plan(goal, found)

    assert (done(decided), decided.failure) == (does, None)
    assert bool(decided.lines) is bool(does)


def test_one_of_somebody_elses_is_taken_over_only_when_asked():
    untagged = instance(tags={})

    assert done(plan(Goal.FOLLOWING, untagged, adopt=True)) == {"adopt"}
    assert isinstance(plan(Goal.FOLLOWING, untagged).failure, NotOurs)


@pytest.mark.parametrize(
    ("goal", "found", "kind", "says"),
    [
        pytest.param(Goal.FOLLOWING, instance(tags=THEIRS), NotOurs, "billing", id="another-migrations"),
        pytest.param(Goal.GONE, instance(tags=THEIRS), NotOurs, "billing", id="another-migrations-is-not-deleted"),
        pytest.param(Goal.GONE, instance(tags={}), NotOurs, "no tag of ours", id="a-strangers-is-not-deleted"),
        pytest.param(
            Goal.GONE, instance(replica_of=None), NotAllowed, "of its own", id="a-promoted-one-is-not-deleted"
        ),
        pytest.param(Goal.GONE, instance(replicas=("x",)), NotAllowed, "x", id="one-with-replicas-is-not-deleted"),
        pytest.param(Goal.FOLLOWING, instance(replica_of=None), Differs, "final", id="promotion-is-final"),
        pytest.param(Goal.FOLLOWING, instance(replica_of="other"), Differs, "other", id="it-follows-another"),
    ],
)
def test_what_is_not_meant_is_not_touched(goal, found, kind, says):
    failure = plan(goal, found).failure

    assert isinstance(failure, kind)
    assert says in failure.found


def test_even_with_consent_an_instance_that_follows_nobody_is_not_taken_over():
    assert isinstance(plan(Goal.PROMOTED, instance(replica_of=None, tags={}), adopt=True).failure, NotOurs)


def chain_of(length: int, version: str):
    """A source with ``length`` replicas in a row, the last first."""
    source = replace(SOURCE, version=version)
    return (*(instance(f"shop-r{number}", version=version) for number in range(length, 0, -1)), source)


@pytest.mark.parametrize(
    ("version", "refused"),
    [("13.12", True), ("14.0", True), ("14.1", False), ("15.4", False)],
)
def test_a_replica_of_a_replica_is_made_from_14_1_on(version, refused):
    chain = chain_of(1, version)

    decided = plan(Goal.FOLLOWING, chain=chain, source=chain[-1], of="shop-r1")

    assert (decided.failure is not None, done(decided)) == (refused, set() if refused else {"create"})
    if refused:
        assert "has no replicas of its own" in decided.failure.expected


@pytest.mark.parametrize(
    ("found", "chain"),
    [
        pytest.param(instance(replica_of="shop-r1", version="13.12"), chain_of(1, "13.12"), id="the-end-of-a-chain"),
        pytest.param(instance(replicas=("x",), version="13.12"), chain_of(0, "13.12"), id="the-middle-of-a-chain"),
    ],
)
def test_before_14_1_nothing_is_promoted_out_of_a_chain(found, chain):
    failure = plan(Goal.PROMOTED, found, chain=chain, source=chain[-1]).failure

    assert isinstance(failure, PreflightFailed)
    assert "promoting shop-reader in a chain" in failure.found
    assert "14.1 or later" in failure.expected


def test_a_fourth_in_a_row_is_refused():
    third, fourth = chain_of(2, "15.4"), chain_of(3, "15.4")

    assert plan(Goal.FOLLOWING, chain=third, source=third[-1], of="shop-r2").failure is None
    assert "at most 3" in plan(Goal.FOLLOWING, chain=fourth, source=fourth[-1], of="shop-r3").failure.expected


@pytest.mark.parametrize(
    ("source", "chain", "wanted", "says"),
    [
        pytest.param(aurora(), (aurora(),), {}, "an Aurora cluster", id="aurora"),
        pytest.param(aurora(engine=Engine.RDS), (aurora(),), {}, "a Multi-AZ DB cluster", id="multi-az-cluster"),
        pytest.param(rds(backup_days=0), (rds(backup_days=0),), {}, "no automated backups", id="no-backups"),
        pytest.param(SOURCE, (), {"of": "elsewhere"}, "elsewhere does not follow shop", id="not-of-this-source"),
        pytest.param(SOURCE, (SOURCE,), {"identifier": "shop"}, "the source itself", id="the-source"),
    ],
)
def test_a_source_that_cannot_have_it_is_refused(source, chain, wanted, says):
    failure = plan(Goal.FOLLOWING, chain=chain, source=source, **wanted).failure

    assert isinstance(failure, PreflightFailed)
    assert says in failure.found


def test_the_plan_says_that_slots_stay_behind():
    assert "logical slots do not go with it" in " ".join(plan(Goal.PROMOTED, instance()).lines)


def test_the_form_says_which_and_what_for():
    found = replica_from_params(
        {"replica_identifier": "shop-r2", "replica_of": "", "replica_goal": "gone", "name": "x"}
    )

    assert (found.identifier, found.of, found.goal) == ("shop-r2", None, Goal.GONE)


@pytest.mark.parametrize(
    "wrong", [{"replica_goal": "deleted"}, {"replica_identifier": "Shop_R"}, {"replica_instance_class": "large"}]
)
def test_a_form_that_makes_no_sense_names_the_field(wrong):
    with pytest.raises(SpecInvalid) as refused:
        replica_from_params(wrong)

    assert next(iter(wrong)) in refused.value.found
