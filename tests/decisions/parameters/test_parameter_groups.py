"""In which group parameters are set, what a new one takes over, and who is rebooted in which order."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pg_cdc.decisions.names import TAG, parameter_group
from pg_cdc.decisions.parameters.changes import plan_parameters
from pg_cdc.decisions.parameters.groups import (
    GroupAction,
    in_group,
    left_to_carry,
    other_users,
    plan_group,
    reboot_order,
    target_group,
)
from pg_cdc.failures import NotAllowed, NotOurs
from tests.decisions.parameters.parameter_world import aurora, group, instance_group, member, migration, rds, server

OWN = parameter_group("shop", "aurora-postgresql15")


def planned(cluster, *, spec=None, own=None, changes=None, **database):
    source = aurora(cluster_parameter_group=cluster.name, **database)
    return plan_group(source, (cluster, instance_group()), migration=spec or migration(), changes=changes, own=own)


@pytest.mark.parametrize(
    ("users", "name", "allowed", "action"),
    [
        pytest.param(("shop",), "default.aurora-postgresql15", False, GroupAction.CREATE, id="aws-own"),
        pytest.param(("shop",), "default.aurora-postgresql15", True, GroupAction.CREATE, id="aws-own-is-never-kept"),
        pytest.param(("shop",), "orders-pg15", False, GroupAction.KEEP, id="used-by-this-cluster-alone"),
        pytest.param(("shop", "billing"), "team-pg15", False, GroupAction.CREATE, id="shared"),
        pytest.param(("shop", "billing"), "team-pg15", True, GroupAction.KEEP, id="shared-and-allowed"),
    ],
)
def test_the_group_is(users, name, allowed, action):
    spec = migration(safety={"allow_shared_parameter_group": allowed})

    plan = planned(group(name, users=users), spec=spec)

    assert plan.action is action
    assert plan.name == (OWN if action is GroupAction.CREATE else name)
    assert plan.family == "aurora-postgresql15"


def test_a_group_stays_whatever_it_is_when_nothing_changes():
    fine = group(rds__logical_replication="1", shared_preload_libraries="pglogical", max_worker_processes="20")
    database = aurora()
    rows = plan_parameters(database, (fine, instance_group()), server(), migration=migration())

    assert planned(fine, changes=rows).action is GroupAction.KEEP


def test_values_of_users_are_taken_over_and_defaults_are_not():
    plan = planned(group("team-pg15", users=("shop", "billing"), work_mem="65536", max_wal_senders="30"))

    assert {one.name: one.value for one in plan.carried} == {"work_mem": "65536", "max_wal_senders": "30"}


def test_a_value_set_in_the_new_group_since_is_not_overwritten():
    plan = planned(group("team-pg15", users=("shop", "billing"), work_mem="65536", max_wal_senders="30"))

    assert [one.name for one in left_to_carry(plan, group(OWN, users=(), max_wal_senders="40"))] == ["work_mem"]
    assert left_to_carry(plan, group(OWN, users=(), max_wal_senders="40", work_mem="65536")) == ()


@pytest.mark.parametrize(
    ("tags", "adopt", "users", "failure"),
    [
        pytest.param({TAG: "orders"}, False, (), None, id="ours-from-a-run-that-stopped"),
        pytest.param({TAG: "orders"}, False, ("shop",), None, id="ours-and-attached-by-then"),
        pytest.param({}, False, (), NotOurs, id="not-tagged"),
        pytest.param({}, True, (), None, id="not-tagged-and-adopted"),
        pytest.param({TAG: "billing"}, True, (), NotOurs, id="another-migrations-is-never-adopted"),
        pytest.param({TAG: "orders"}, False, ("billing",), NotAllowed, id="ours-but-used-by-another"),
    ],
)
def test_a_group_of_our_name_is(tags, adopt, users, failure):
    own = replace(group(OWN, users=users), tags=tags)

    plan = planned(group(), own=own, spec=migration(safety={"adopt_existing": adopt}))

    assert plan.action is (GroupAction.REFUSE if failure else GroupAction.CREATE)
    assert failure is None or isinstance(plan.failure, failure)
    assert plan.adopt is (failure is None and not tags)


def test_members_and_read_replicas_are_not_other_users():
    database = rds(replicas=("shop-r1",))

    assert other_users(database, group("team", cluster=False, users=("shop", "shop-r1", "billing"))) == ("billing",)


def test_the_parameters_of_aurora_are_in_the_cluster_group_and_of_rds_in_the_only_one():
    groups = (group(), instance_group())

    assert target_group(aurora(), groups) is groups[0]
    assert target_group(rds(), (only := group("default.postgres15", cluster=False),)) is only


def test_a_plan_can_be_judged_as_if_the_new_group_were_attached():
    groups = (group(), instance_group())
    own = group(OWN, users=(), rds__logical_replication="1")
    plan = planned(groups[0], own=replace(own, tags={TAG: "orders"}))

    seen = in_group(groups, plan, own)

    assert target_group(aurora(), seen).parameters == own.parameters
    assert seen[1] is groups[1]


@pytest.mark.parametrize(
    ("statuses", "order"),
    [
        pytest.param({"w": "in-sync", "r1": "in-sync"}, [], id="nothing-waits"),
        pytest.param({"r1": "pending-reboot", "w": "pending-reboot"}, ["w", "r1"], id="writer-first"),
        pytest.param({"r1": "pending-reboot", "w": "in-sync"}, ["r1"], id="only-who-waits"),
        pytest.param({"r1": "applying", "w": "pending-reboot"}, ["w"], id="applying-is-not-waiting"),
    ],
)
def test_reboots_are_made(statuses, order):
    members = [member(name, writer=name == "w", cluster_apply_status=status) for name, status in statuses.items()]

    assert [one.identifier for one in reboot_order(aurora(*members))] == order


def test_the_instance_groups_status_counts_too():
    assert [one.identifier for one in reboot_order(aurora(member(apply_status="pending-reboot")))] == ["shop-1"]
