"""A DMS resource of our name is made, left, repaired or refused; another's is never touched."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pg_cdc.config import Migration
from pg_cdc.decisions.dms.resources import (
    Create,
    Modify,
    Nothing,
    Refuse,
    ReplicationInstance,
    SubnetGroup,
    compare_instance,
    compare_subnet_group,
    instance_request,
    modify_instance_request,
    sibling_arn,
    subnet_group_request,
)
from pg_cdc.decisions.world import Database, Engine, Member
from pg_cdc.failures import Differs, NotOurs, SpecInvalid

OURS = {"pg-cdc:migration": "shop"}
MIGRATION = Migration(name="shop")
ADOPTING = Migration.model_validate({"name": "shop", "safety": {"adopt_existing": True}})
WRITER = Member(
    identifier="shop-1",
    arn="arn:aws:rds:eu-west-1:123456789012:db:shop-1",
    writer=True,
    status="available",
    host="shop-1.example",
    port=5432,
    instance_class="db.r6g.large",
    parameter_group="default.aurora-postgresql15",
    apply_status="in-sync",
)
SOURCE = Database(
    identifier="shop",
    engine=Engine.AURORA,
    version="15.4",
    status="available",
    arn="arn:aws:rds:eu-west-1:123456789012:cluster:shop",
    host="shop.cluster.example",
    port=5432,
    master_user="postgres",
    members=(WRITER,),
    subnet_ids=("subnet-a", "subnet-b"),
    security_group_ids=("sg-1",),
)
GROUP = SubnetGroup(name="pg-cdc-shop", arn="arn:group", subnet_ids=("subnet-a", "subnet-b"), tags=OURS)
INSTANCE = ReplicationInstance(
    identifier="pg-cdc-shop",
    arn="arn:rep",
    status="available",
    instance_class="dms.t3.medium",
    storage_gb=50,
    multi_az=False,
    public=False,
    subnet_group="pg-cdc-shop",
    security_group_ids=("sg-1",),
    tags=OURS,
)


def spec(**replication) -> Migration:
    return Migration.model_validate({"name": "shop", "replication": replication})


@pytest.mark.parametrize(
    ("migration", "found", "kind"),
    [
        pytest.param(MIGRATION, None, Create, id="missing"),
        pytest.param(MIGRATION, GROUP, Nothing, id="ours"),
        pytest.param(spec(subnet_ids=["subnet-b", "subnet-a"]), GROUP, Nothing, id="the-order-of-subnets-is-none"),
        pytest.param(spec(subnet_ids=["subnet-a", "subnet-c"]), GROUP, Modify, id="other-subnets-are-put-right"),
        pytest.param(MIGRATION, replace(GROUP, tags={}), Refuse, id="not-ours"),
        pytest.param(ADOPTING, replace(GROUP, tags={}), Nothing, id="adopted"),
    ],
)
def test_subnet_group(migration, found, kind):
    assert isinstance(compare_subnet_group(migration, found), kind)


def test_the_subnets_are_those_of_the_source_unless_the_spec_names_some():
    assert subnet_group_request(MIGRATION, SOURCE)["SubnetIds"] == ["subnet-a", "subnet-b"]
    assert subnet_group_request(spec(subnet_ids=["subnet-x"]), SOURCE)["SubnetIds"] == ["subnet-x"]


def test_no_subnets_anywhere_is_refused_before_any_call():
    with pytest.raises(SpecInvalid, match=r"replication\.subnet_ids"):
        subnet_group_request(MIGRATION, replace(SOURCE, subnet_ids=()))


def test_the_arn_of_a_subnet_group_is_made_from_the_account_of_the_source():
    arn = sibling_arn(SOURCE.arn, "subgrp", "pg-cdc-shop")

    assert arn == "arn:aws:dms:eu-west-1:123456789012:subgrp:pg-cdc-shop"


@pytest.mark.parametrize(
    ("migration", "found", "running", "kind"),
    [
        pytest.param(MIGRATION, None, (), Create, id="missing"),
        pytest.param(MIGRATION, INSTANCE, (), Nothing, id="equal"),
        pytest.param(MIGRATION, replace(INSTANCE, storage_gb=100), (), Nothing, id="storage-never-shrinks"),
        pytest.param(spec(allocated_storage_gb=51), INSTANCE, (), Modify, id="storage-grows"),
        pytest.param(spec(instance_class="dms.r5.large"), INSTANCE, (), Modify, id="class-changed-while-idle"),
        pytest.param(spec(instance_class="dms.r5.large"), INSTANCE, ("t1",), Refuse, id="class-under-a-running-task"),
        pytest.param(spec(security_group_ids=["sg-2"]), INSTANCE, (), Modify, id="security-groups"),
        pytest.param(MIGRATION, replace(INSTANCE, security_group_ids=("x",)), (), Nothing, id="no-groups-asked-for"),
        pytest.param(MIGRATION, replace(INSTANCE, public=True), (), Refuse, id="public-cannot-be-undone"),
        pytest.param(MIGRATION, replace(INSTANCE, tags={}), (), Refuse, id="not-ours"),
        pytest.param(ADOPTING, replace(INSTANCE, tags={}), (), Nothing, id="adopted"),
    ],
)
def test_replication_instance(migration, found, running, kind):
    assert isinstance(compare_instance(migration, found, running), kind)


def test_a_refusal_under_a_running_task_shows_both_values_and_the_task():
    decision = compare_instance(spec(instance_class="dms.r5.large"), INSTANCE, ("pg-cdc-other",))

    assert isinstance(decision.failure, Differs)
    assert "dms.t3.medium" in decision.failure.found
    assert "dms.r5.large" in decision.failure.expected
    assert "pg-cdc-other" in decision.failure.next


@pytest.mark.parametrize("migration", [MIGRATION, ADOPTING], ids=["plain", "adopting"])
def test_what_another_migration_made_is_not_even_adopted(migration):
    found = replace(INSTANCE, tags={"pg-cdc:migration": "billing"})

    decision = compare_instance(migration, found, ())

    assert isinstance(decision.failure, NotOurs)
    assert "billing" in decision.failure.found


def test_an_adopted_resource_is_to_be_tagged():
    assert compare_instance(ADOPTING, replace(INSTANCE, tags={}), ()).adopt
    assert not compare_instance(ADOPTING, INSTANCE, ()).adopt


def test_an_instance_is_made_private_in_the_groups_of_the_source_and_tagged():
    request = instance_request(MIGRATION, SOURCE)

    assert request["PubliclyAccessible"] is False
    assert request["VpcSecurityGroupIds"] == ["sg-1"]
    assert request["Tags"] == [{"Key": "pg-cdc:migration", "Value": "shop"}]
    assert "AvailabilityZone" not in request


def test_only_what_differs_is_modified():
    migration = spec(instance_class="dms.r5.large", allocated_storage_gb=99)

    request = modify_instance_request(migration, "arn:rep", frozenset({"allocated_storage_gb"}))

    assert request == {"ReplicationInstanceArn": "arn:rep", "ApplyImmediately": True, "AllocatedStorage": 99}
