"""A Multi-AZ DB cluster: three real servers, one cluster group, and one reboot for all of them."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from botocore.exceptions import ClientError

from pg_cdc.decisions.world import Engine
from pg_cdc.facts.rds import read_database, read_parameter_groups
from pg_cdc.hooks.rds import CdcRdsHook
from pg_cdc.operators.teardown.restore import (
    DeleteParameterGroupOperator,
    ProveRestoredOperator,
    RestoreParametersOperator,
)
from pg_cdc.operators.teardown.restore_reboot import RebootRestoredOperator
from tests.shell.rds_world import TaskInstance, run_all, spec

pytestmark = pytest.mark.usefixtures("aws_conn")
MEMBERS = ("zones-instance-1", "zones-instance-2", "zones-instance-3")
BACK = (RestoreParametersOperator, RebootRestoredOperator, ProveRestoredOperator, DeleteParameterGroupOperator)


@pytest.fixture(scope="module")
def zones(make_multi_az_cluster):
    """A stock Multi-AZ DB cluster."""
    return make_multi_az_cluster("zones")


def shown(database, name: str) -> list[str]:
    """Return a setting of each member, the writer first."""
    found = []
    for member in MEMBERS:
        with database.connect_member(member) as conn:
            found.append(conn.execute("select current_setting(%s)", [name]).fetchone()[0])
    return found


def until(good: Callable[[], bool]) -> None:
    ends = time.monotonic() + 30
    while not good():
        assert time.monotonic() < ends
        time.sleep(0.05)


def test_it_is_one_writer_and_two_readable_standbys_on_aws_own_groups(zones, sandbox):
    with zones.connect() as conn:
        conn.execute("create table public.seen ()")
        assert conn.execute("select count(*) from pg_replication_slots where active").fetchone() == (2,)
    recovering = "select pg_is_in_recovery()"
    for member, expected in zip(MEMBERS, (False, True, True), strict=True):
        with zones.connect_member(member) as conn:
            assert conn.execute(recovering).fetchone() == (expected,)

    found = read_database(CdcRdsHook(aws_conn_id="aws_default"), "zones")
    groups = read_parameter_groups(CdcRdsHook(aws_conn_id="aws_default"), found)
    described = sandbox.client("rds").describe_db_clusters(DBClusterIdentifier="zones")["DBClusters"][0]
    assert (found.engine, found.reboots_as_one, found.writer.identifier) == (Engine.RDS, True, MEMBERS[0])
    assert [(group.cluster, group.family) for group in groups] == [(True, "postgres15"), (False, "postgres15")]
    assert (described["MultiAZ"], described["AllocatedStorage"], described["Iops"]) == (True, 100, 1000)


@pytest.mark.parametrize(
    ("action", "parameters", "code"),
    [
        pytest.param("create_db_cluster", {"DBClusterInstanceClass": "db.big"}, "InvalidParameterValue", id="class"),
        pytest.param("create_db_cluster", {"Iops": 0}, "InvalidParameterCombination", id="io1-needs-iops"),
        pytest.param("create_db_cluster", {"AllocatedStorage": 0}, "InvalidParameterCombination", id="storage"),
        pytest.param("create_db_cluster", {"StorageType": "gp2"}, "InvalidParameterValue", id="storage-type"),
        pytest.param("create_db_cluster", {}, "DBClusterAlreadyExistsFault", id="there-already"),
        pytest.param(
            "delete_db_instance",
            {"DBInstanceIdentifier": MEMBERS[1]},
            "InvalidParameterCombination",
            id="a-member-goes",
        ),
        pytest.param(
            "modify_db_instance",
            {"DBInstanceIdentifier": MEMBERS[1], "DBInstanceClass": "db.m6gd.xlarge"},
            "InvalidParameterCombination",
            id="a-member-changes",
        ),
        pytest.param(
            "reboot_db_instance",
            {"DBInstanceIdentifier": MEMBERS[0]},
            "InvalidParameterCombination",
            id="the-writer-alone",
        ),
        pytest.param("failover_db_cluster", {"DBClusterIdentifier": "zones"}, "SandboxNotImplemented", id="failover"),
        pytest.param(
            "delete_db_cluster", {"DBClusterIdentifier": "zones"}, "InvalidParameterCombination", id="no-final-snapshot"
        ),
    ],
)
def test_it_refuses(zones, sandbox, action, parameters, code):
    if action == "create_db_cluster":
        stock = {
            "DBClusterIdentifier": "zones", "Engine": "postgres", "DBClusterInstanceClass": "db.m6gd.large",
            "StorageType": "io1", "AllocatedStorage": 100, "Iops": 1000, "MasterUsername": "postgres",
            "MasterUserPassword": "a-master-Passw0rd",
        }  # fmt: skip
        parameters = stock | parameters

    with pytest.raises(ClientError) as refused:
        getattr(sandbox.client("rds"), action)(**parameters)

    assert refused.value.response["Error"]["Code"] == code
    assert sandbox.rds.instances[MEMBERS[1]].status.value == "available"


def test_the_steps_set_its_cluster_group_and_reboot_it_once(zones, admin_conn, mutating_calls):
    admin_conn(zones)

    with mutating_calls() as calls:
        told = run_all(spec("zones"))
    with mutating_calls() as again:
        run_all(spec("zones"))

    assert [call.action for call in calls] == [
        "CreateDBClusterParameterGroup",
        "ModifyDBClusterParameterGroup",
        "ModifyDBCluster",
        "RebootDBCluster",
    ]
    assert shown(zones, "rds.logical_replication") == ["on", "on", "on"]
    assert [one["instance"] for one in told["RebootSourceOperator"]["facts"]["reboots"]] == ["zones"]
    assert told["ProveParametersOperator"]["facts"]["wal_level"] == "logical"
    assert again == []


def test_the_standbys_follow_with_the_new_sizes(zones):
    with zones.connect() as conn:
        conn.execute("create table public.after_the_reboot ()")
    replayed = "select pg_get_wal_replay_pause_state(), to_regclass('public.after_the_reboot') is not null"
    for member in MEMBERS[1:]:
        with zones.connect_member(member) as conn:
            until(lambda conn=conn: conn.execute(replayed).fetchone() == ("not paused", True))


@pytest.mark.exhaustive
def test_the_teardown_puts_its_group_back_with_one_reboot(zones, admin_conn, mutating_calls):
    admin_conn(zones)

    with mutating_calls() as calls:
        for step in BACK:
            step(task_id="step", migration=spec("zones"), patience_seconds=60).execute(
                {"params": {}, "ti": TaskInstance()}
            )

    assert [call.action for call in calls] == ["ModifyDBCluster", "RebootDBCluster", "DeleteDBClusterParameterGroup"]
    assert shown(zones, "wal_level") == ["replica"] * 3
