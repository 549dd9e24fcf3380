"""Parameter groups are reset and deleted under AWS's rules, and a database in use keeps hold of its group."""

from __future__ import annotations

import itertools
import time

import pytest
from botocore.exceptions import ClientError

NUMBERS = itertools.count(1)
CLUSTER_FAMILY, FAMILY = "aurora-postgresql15", "postgres15"
IN_USE = "One or more database instances are still members of this parameter group {}, so the group cannot be deleted"


@pytest.fixture(scope="module")
def rds(sandbox):
    return sandbox.client("rds")


@pytest.fixture(scope="module")
def cluster(rds, make_cluster):
    rds.create_db_cluster_parameter_group(
        DBClusterParameterGroupName="given-cluster", DBParameterGroupFamily=CLUSTER_FAMILY, Description="x"
    )
    rds.create_db_parameter_group(
        DBParameterGroupName="given-member", DBParameterGroupFamily=CLUSTER_FAMILY, Description="x"
    )
    return make_cluster("given", parameter_group="given-cluster", instance_parameter_group="given-member")


@pytest.fixture
def group(rds):
    """A cluster group of its own, nobody's."""
    name = f"given-{next(NUMBERS)}"
    rds.create_db_cluster_parameter_group(
        DBClusterParameterGroupName=name, DBParameterGroupFamily=CLUSTER_FAMILY, Description="x"
    )
    return name


def refusal_of(call, **parameters):
    with pytest.raises(ClientError) as refusal:
        call(**parameters)
    error = refusal.value.response["Error"]
    return error["Code"], error["Message"]


def entry(name, method="pending-reboot", **more):
    return {"ParameterName": name, "ApplyMethod": method, **more}


def users(rds, name):
    pages = rds.get_paginator("describe_db_cluster_parameters").paginate(
        DBClusterParameterGroupName=name, Source="user"
    )
    return {row["ParameterName"]: row["ParameterValue"] for page in pages for row in page["Parameters"]}


def member(rds):
    described = rds.describe_db_clusters(DBClusterIdentifier="given")["DBClusters"][0]
    return described["DBClusterMembers"][0]["DBClusterParameterGroupStatus"]


def until(claim, expected, seconds=15):
    ends = time.monotonic() + seconds
    while (found := claim()) != expected:
        assert time.monotonic() < ends, found
        time.sleep(0.05)


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        pytest.param({}, "InvalidParameterCombination", id="neither-all-nor-some"),
        pytest.param(
            {"ResetAllParameters": True, "Parameters": [entry("jit")]}, "InvalidParameterCombination", id="all-and-some"
        ),
        pytest.param({"Parameters": [entry("no_such")]}, "InvalidParameterValue", id="unknown-name"),
        pytest.param({"Parameters": [entry("wal_level")]}, "InvalidParameterValue", id="not-modifiable"),
        pytest.param({"Parameters": [{"ParameterName": "jit"}]}, "InvalidParameterValue", id="no-apply-method"),
        pytest.param(
            {"Parameters": [entry("rds.logical_replication", "immediate")]},
            "InvalidParameterCombination",
            id="static-at-once",
        ),
        pytest.param({"Parameters": [entry("jit")] * 21}, "InvalidParameterValue", id="over-twenty"),
    ],
)
def test_a_bad_reset_is_refused_and_resets_nothing(rds, group, parameters, code):
    change = entry("rds.logical_replication", ParameterValue="1")
    rds.modify_db_cluster_parameter_group(DBClusterParameterGroupName=group, Parameters=[change])

    refused, _ = refusal_of(
        rds.reset_db_cluster_parameter_group, DBClusterParameterGroupName=group, **parameters
    )  # fmt: skip

    assert refused == code
    assert users(rds, group) == {"rds.logical_replication": "1"}


def test_one_bad_name_among_good_ones_resets_none(rds, group):
    changes = [entry("jit", ParameterValue="0"), entry("max_wal_senders", ParameterValue="30")]
    rds.modify_db_cluster_parameter_group(DBClusterParameterGroupName=group, Parameters=changes)

    refusal_of(
        rds.reset_db_cluster_parameter_group,
        DBClusterParameterGroupName=group, Parameters=[entry("jit"), entry("no_such")],
    )  # fmt: skip

    assert users(rds, group) == {"jit": "0", "max_wal_senders": "30"}


def test_a_reset_static_value_waits_for_the_reboot_and_an_unset_one_for_nothing(sandbox, rds, cluster):
    rds.reset_db_cluster_parameter_group(DBClusterParameterGroupName="given-cluster", ResetAllParameters=True)
    rds.reset_db_cluster_parameter_group(
        DBClusterParameterGroupName="given-cluster", Parameters=[entry("rds.logical_replication")]
    )
    assert member(rds) == "in-sync"

    change = entry("rds.logical_replication", ParameterValue="1")
    rds.modify_db_cluster_parameter_group(DBClusterParameterGroupName="given-cluster", Parameters=[change])
    reboot(sandbox, rds)
    with cluster.connect() as connection:
        assert connection.execute("show wal_level").fetchone() == ("logical",)

    rds.reset_db_cluster_parameter_group(
        DBClusterParameterGroupName="given-cluster", Parameters=[entry("rds.logical_replication")]
    )
    assert member(rds) == "pending-reboot"
    with cluster.connect() as connection:
        assert connection.execute("show wal_level").fetchone() == ("logical",)
    reboot(sandbox, rds)
    with cluster.connect() as connection:
        assert connection.execute("show wal_level").fetchone() == ("replica",)
    assert member(rds) == "in-sync"


def test_a_reset_of_all_takes_dynamic_values_back_at_once(rds, cluster):
    change = entry("statement_timeout", "immediate", ParameterValue="7000")
    rds.modify_db_cluster_parameter_group(DBClusterParameterGroupName="given-cluster", Parameters=[change])
    until(lambda: setting(cluster, "statement_timeout"), "7s")

    rds.reset_db_cluster_parameter_group(DBClusterParameterGroupName="given-cluster", ResetAllParameters=True)

    until(lambda: setting(cluster, "statement_timeout"), "0")
    until(lambda: member(rds), "in-sync")


@pytest.mark.parametrize(
    ("action", "key", "name"),
    [
        pytest.param(
            "delete_db_cluster_parameter_group", "DBClusterParameterGroupName", "given-cluster", id="of-the-cluster"
        ),
        pytest.param("delete_db_parameter_group", "DBParameterGroupName", "given-member", id="of-its-instance"),
    ],
)
def test_a_group_in_use_is_kept(rds, cluster, action, key, name):
    code, message = refusal_of(getattr(rds, action), **{key: name})

    assert (code, message) == ("InvalidDBParameterGroupState", IN_USE.format(name))


def test_groups_can_go_once_others_are_attached(sandbox, rds, cluster):
    rds.modify_db_cluster(
        DBClusterIdentifier="given", DBClusterParameterGroupName=f"default.{CLUSTER_FAMILY}", ApplyImmediately=True
    )
    until(lambda: sandbox.rds.clusters["given"].status.value, "available")
    rds.modify_db_instance(DBInstanceIdentifier="given-1", DBParameterGroupName=f"default.{CLUSTER_FAMILY}")

    rds.delete_db_cluster_parameter_group(DBClusterParameterGroupName="Given-Cluster")
    rds.delete_db_parameter_group(DBParameterGroupName="given-member")

    for action, key, name in (
        ("delete_db_cluster_parameter_group", "DBClusterParameterGroupName", "given-cluster"),
        ("reset_db_cluster_parameter_group", "DBClusterParameterGroupName", "given-cluster"),
        ("delete_db_parameter_group", "DBParameterGroupName", "given-member"),
        ("reset_db_parameter_group", "DBParameterGroupName", "given-member"),
    ):
        assert refusal_of(getattr(rds, action), **{key: name})[0] == "DBParameterGroupNotFound", action


@pytest.mark.parametrize("cluster_group", [True, False], ids=["cluster-group", "instance-group"])
def test_tags_of_a_group_are_removed_and_go_with_it(rds, cluster_group):
    kind = "DBClusterParameterGroup" if cluster_group else "DBParameterGroup"
    action = "db_cluster_parameter_group" if cluster_group else "db_parameter_group"
    made = getattr(rds, f"create_{action}")(**{
        f"{kind}Name": "given-tagged",
        "DBParameterGroupFamily": CLUSTER_FAMILY if cluster_group else FAMILY,
        "Description": "x",
        "Tags": [{"Key": "kept", "Value": "1"}, {"Key": "gone", "Value": "2"}],
    })[kind]  # fmt: skip
    arn = made[f"{kind}Arn"]

    rds.remove_tags_from_resource(ResourceName=arn, TagKeys=["gone", "never-there"])

    assert rds.list_tags_for_resource(ResourceName=arn)["TagList"] == [{"Key": "kept", "Value": "1"}]
    getattr(rds, f"delete_{action}")(**{f"{kind}Name": "given-tagged"})
    for call, more in ((rds.list_tags_for_resource, {}), (rds.remove_tags_from_resource, {"TagKeys": ["kept"]})):
        assert refusal_of(call, ResourceName=arn, **more)[0] == "DBParameterGroupNotFound"


def test_a_default_group_is_neither_reset_nor_deleted(rds):
    name = f"default.{CLUSTER_FAMILY}"
    reset = refusal_of(rds.reset_db_cluster_parameter_group, DBClusterParameterGroupName=name, ResetAllParameters=True)
    deleted = refusal_of(rds.delete_db_cluster_parameter_group, DBClusterParameterGroupName=name)

    assert {reset[0], deleted[0]} == {"InvalidDBParameterGroupState"}
    assert "cannot be deleted" in deleted[1]


def setting(server, name):
    with server.connect() as connection:
        return connection.execute(f"show {name}").fetchone()[0]


def reboot(sandbox, rds):
    rds.reboot_db_instance(DBInstanceIdentifier="given-1")
    until(lambda: sandbox.rds.instances["given-1"].status.value, "available")
