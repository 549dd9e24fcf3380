"""Databases come and go as RDS has it, and what RDS refuses is refused."""

from __future__ import annotations

import time

import pytest
from botocore.exceptions import ClientError

from sandbox.processes import is_alive

GOOD = {
    "Engine": "postgres", "DBInstanceClass": "db.t3.medium", "AllocatedStorage": 20,
    "MasterUsername": "postgres", "MasterUserPassword": "long-enough-1",
}  # fmt: skip
GOOD_CLUSTER = {"Engine": "aurora-postgresql", "MasterUsername": "postgres", "MasterUserPassword": "long-enough-1"}
MEMBER = {"Engine": "aurora-postgresql", "DBInstanceClass": "db.r6g.large"}


@pytest.fixture(scope="module")
def rds(sandbox):
    return sandbox.client("rds")


@pytest.fixture(scope="module")
def cluster(make_cluster):
    return make_cluster("life")


@pytest.fixture(scope="module")
def instance(make_instance):
    return make_instance("life-rds")


def code_of(call, **parameters):
    with pytest.raises(ClientError) as refusal:
        call(**parameters)
    return refusal.value.response["Error"]["Code"]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        pytest.param({"DBInstanceIdentifier": "life-rds"}, "DBInstanceAlreadyExists", id="exists"),
        pytest.param({"DBInstanceIdentifier": "1st"}, "InvalidParameterValue", id="begins-with-a-digit"),
        pytest.param({"DBInstanceIdentifier": "two--hyphens"}, "InvalidParameterValue", id="two-hyphens"),
        pytest.param({"Engine": "mysql"}, "InvalidParameterValue", id="engine"),
        pytest.param({"EngineVersion": "9.6.1"}, "InvalidParameterCombination", id="version"),
        pytest.param({"DBInstanceClass": "db.t3.giant"}, "InvalidParameterValue", id="class"),
        pytest.param({"MasterUserPassword": "short"}, "InvalidParameterValue", id="short-password"),
        pytest.param({"MasterUserPassword": "with@sign12"}, "InvalidParameterValue", id="forbidden-character"),
        pytest.param({"MasterUsername": "rdsadmin"}, "InvalidParameterValue", id="reserved-user"),
        pytest.param({"DBParameterGroupName": "none"}, "DBParameterGroupNotFound", id="no-such-group"),
        pytest.param(
            {"DBParameterGroupName": "default.aurora-postgresql15"}, "InvalidParameterCombination", id="other-family"
        ),
        pytest.param({"DBClusterIdentifier": "life"}, "InvalidParameterCombination", id="other-engine-than-cluster"),
        pytest.param({"Engine": "aurora-postgresql"}, "InvalidParameterCombination", id="aurora-without-cluster"),
        pytest.param({"ManageMasterUserPassword": True}, "SandboxNotImplemented", id="what-the-sandbox-does-not-do"),
    ],
)
def test_an_instance_aws_would_not_make_is_refused(rds, cluster, instance, change, code):
    assert code_of(rds.create_db_instance, **{"DBInstanceIdentifier": "fresh", **GOOD, **change}) == code


@pytest.mark.parametrize(
    ("change", "code"),
    [
        pytest.param({"DBClusterIdentifier": "life"}, "DBClusterAlreadyExistsFault", id="exists"),
        pytest.param({"Engine": "postgres"}, "InvalidParameterValue", id="multi-az-cluster"),
        pytest.param(
            {"DBClusterParameterGroupName": "none"}, "DBClusterParameterGroupNotFound", id="no-such-group"
        ),
        pytest.param({"MasterUserPassword": "short"}, "InvalidParameterValue", id="short-password"),
    ],
)  # fmt: skip
def test_a_cluster_aws_would_not_make_is_refused(rds, cluster, change, code):
    assert code_of(rds.create_db_cluster, **{"DBClusterIdentifier": "fresh", **GOOD_CLUSTER, **change}) == code


@pytest.mark.parametrize(
    ("action", "parameters", "code"),
    [
        ("describe_db_instances", {"DBInstanceIdentifier": "gone"}, "DBInstanceNotFound"),
        ("describe_db_clusters", {"DBClusterIdentifier": "gone"}, "DBClusterNotFoundFault"),
        (
            "create_db_instance",
            {"DBInstanceIdentifier": "x", "DBClusterIdentifier": "gone", **MEMBER},
            "DBClusterNotFoundFault",
        ),
        ("reboot_db_instance", {"DBInstanceIdentifier": "gone"}, "DBInstanceNotFound"),
        (
            "reboot_db_instance",
            {"DBInstanceIdentifier": "life-rds", "ForceFailover": True},
            "InvalidParameterCombination",
        ),
        ("reboot_db_cluster", {"DBClusterIdentifier": "life"}, "InvalidParameterCombination"),
        ("failover_db_cluster", {"DBClusterIdentifier": "life"}, "InvalidDBClusterStateFault"),
        ("delete_db_cluster", {"DBClusterIdentifier": "life", "SkipFinalSnapshot": True}, "InvalidDBClusterStateFault"),
        ("delete_db_instance", {"DBInstanceIdentifier": "life-rds"}, "InvalidParameterCombination"),
        (
            "modify_db_instance",
            {"DBInstanceIdentifier": "life-rds", "DBParameterGroupName": "no"},
            "DBParameterGroupNotFound",
        ),
        (
            "modify_db_cluster",
            {"DBClusterIdentifier": "life", "DBClusterParameterGroupName": "no", "ApplyImmediately": True},
            "DBClusterParameterGroupNotFound",
        ),
        (
            "modify_db_cluster",
            {"DBClusterIdentifier": "life", "DBInstanceParameterGroupName": "default.aurora-postgresql15"},
            "InvalidParameterCombination",
        ),
        ("promote_read_replica", {"DBInstanceIdentifier": "life-rds"}, "InvalidDBInstanceState"),
        ("start_db_instance", {"DBInstanceIdentifier": "life-rds"}, "InvalidDBInstanceState"),
        ("describe_db_snapshots", {}, "SandboxNotImplemented"),
    ],
)  # fmt: skip
def test_a_bad_call_is_refused(rds, cluster, instance, action, parameters, code):
    assert code_of(getattr(rds, action), **parameters) == code


def test_a_cluster_parameter_group_is_not_attached_without_apply_immediately(rds, cluster):
    rds.create_db_cluster_parameter_group(
        DBClusterParameterGroupName="life-later", DBParameterGroupFamily="aurora-postgresql15", Description="x"
    )
    rds.modify_db_cluster(DBClusterIdentifier="life", DBClusterParameterGroupName="life-later")

    described = rds.describe_db_clusters(DBClusterIdentifier="life")["DBClusters"][0]
    assert described["DBClusterParameterGroup"] == "default.aurora-postgresql15"


def test_waiters_follow_an_instance_from_creation_to_deletion(sandbox, rds):
    rds.create_db_instance(DBInstanceIdentifier="life-short", **GOOD)
    first = rds.describe_db_instances(DBInstanceIdentifier="life-short")["DBInstances"][0]
    assert first["DBInstanceStatus"] == "creating"
    assert "Endpoint" not in first
    quick = {"Delay": 0.1, "MaxAttempts": 200}
    rds.get_waiter("db_instance_available").wait(DBInstanceIdentifier="life-short", WaiterConfig=quick)
    pid = sandbox.rds.instances["life-short"].server.pid

    rds.delete_db_instance(DBInstanceIdentifier="life-short", SkipFinalSnapshot=True)
    rds.get_waiter("db_instance_deleted").wait(DBInstanceIdentifier="life-short", WaiterConfig=quick)

    assert code_of(rds.describe_db_instances, DBInstanceIdentifier="life-short") == "DBInstanceNotFound"
    assert not is_alive(pid)


def test_deleting_the_writer_makes_a_reader_the_writer(sandbox, rds, make_cluster):
    pair = make_cluster("life-pair", readers=1)
    with pair.connect() as connection:
        connection.execute("create table kept as select 1 as id")

    rds.delete_db_instance(DBInstanceIdentifier="life-pair-1")
    until_gone(sandbox, "life-pair-1")

    with pair.connect() as connection:
        connection.execute("insert into kept values (2)")
        assert connection.execute("select count(*) from kept").fetchone() == (2,)
    rds.delete_db_instance(DBInstanceIdentifier="life-pair-2")
    rds.delete_db_cluster(DBClusterIdentifier="life-pair", SkipFinalSnapshot=True)
    ends = time.monotonic() + 15
    while "life-pair" in sandbox.rds.clusters:
        assert time.monotonic() < ends
        time.sleep(0.05)


def test_a_stopped_instance_refuses_connections_until_it_is_started(sandbox, rds, instance):
    rds.stop_db_instance(DBInstanceIdentifier="life-rds")
    until_status(sandbox, "life-rds", "stopped")
    with pytest.raises(Exception, match="refused"):
        instance.connect()

    rds.start_db_instance(DBInstanceIdentifier="life-rds")
    until_status(sandbox, "life-rds", "available")
    instance.connect().close()


def test_a_new_master_password_is_the_only_one(sandbox, rds, instance):
    rds.modify_db_instance(DBInstanceIdentifier="life-rds", MasterUserPassword="another-Passw0rd")
    until_status(sandbox, "life-rds", "available")

    instance.connect(password="another-Passw0rd").close()
    with pytest.raises(Exception, match="password authentication failed"):
        instance.connect()


def test_filters_choose(rds, cluster, instance):
    found = rds.describe_db_instances(Filters=[{"Name": "db-cluster-id", "Values": ["life"]}])["DBInstances"]

    assert [one["DBInstanceIdentifier"] for one in found] == ["life-1"]
    assert code_of(rds.describe_db_instances, Filters=[{"Name": "x", "Values": ["y"]}]) == "InvalidParameterValue"


def test_another_region_is_refused(sandbox, cluster):
    import boto3

    elsewhere = boto3.client(
        "rds", endpoint_url=sandbox.endpoint_url, region_name="us-east-1",
        aws_access_key_id="x", aws_secret_access_key="x",
    )  # fmt: skip

    assert code_of(elsewhere.describe_db_clusters) == "SandboxWrongRegion"


def until_status(sandbox, identifier, status):
    ends = time.monotonic() + 20
    while sandbox.rds.instances[identifier].status.value != status:
        assert time.monotonic() < ends
        time.sleep(0.02)


def until_gone(sandbox, identifier):
    ends = time.monotonic() + 20
    while identifier in sandbox.rds.instances:
        assert time.monotonic() < ends
        time.sleep(0.02)
