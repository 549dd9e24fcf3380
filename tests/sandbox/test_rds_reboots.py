"""What is in force is what SQL says; what waits for a reboot says so."""

from __future__ import annotations

import time

import psycopg
import pytest
from botocore.exceptions import ClientError

from sandbox.rds.assumptions import Assumptions
from tests.fix_sandbox import wait_available


@pytest.fixture(scope="module")
def rds(sandbox):
    return sandbox.client("rds")


@pytest.fixture(scope="module")
def cluster(make_cluster):
    return make_cluster("reboots", readers=1)


@pytest.fixture(scope="module")
def instance(make_instance):
    return make_instance("reboots-rds")


def change(name, value, method="pending-reboot"):
    return {"ParameterName": name, "ParameterValue": value, "ApplyMethod": method}


def show(connection, name):
    with connection:
        return connection.execute(f'show "{name}"').fetchone()[0]


def started(connection):
    with connection:
        return connection.execute("select pg_postmaster_start_time()").fetchone()[0]


def statuses(rds, cluster="reboots"):
    members = rds.describe_db_clusters(DBClusterIdentifier=cluster)["DBClusters"][0]["DBClusterMembers"]
    return {one["DBInstanceIdentifier"]: one["DBClusterParameterGroupStatus"] for one in members}


def apply_status(rds, identifier):
    described = rds.describe_db_instances(DBInstanceIdentifier=identifier)["DBInstances"][0]
    return described["DBParameterGroups"][0]["ParameterApplyStatus"]


def until(look, wanted, seconds=10.0):
    ends = time.monotonic() + seconds
    while (seen := look()) != wanted:
        assert time.monotonic() < ends, f"{seen!r}, not {wanted!r}, after {seconds} s"
        time.sleep(0.02)


def reboot(sandbox, rds, identifier, *, then="available"):
    rds.reboot_db_instance(DBInstanceIdentifier=identifier)
    shown = lambda: rds.describe_db_instances(DBInstanceIdentifier=identifier)["DBInstances"][0]["DBInstanceStatus"]  # noqa: E731
    until(lambda: shown() in ("rebooting", then), True)
    until(lambda: sandbox.rds.instances[identifier].status.value == then and shown() == then, True)


def make_group(rds, name, *, cluster):
    if cluster:
        rds.create_db_cluster_parameter_group(
            DBClusterParameterGroupName=name, DBParameterGroupFamily="aurora-postgresql15", Description="x"
        )
    else:
        rds.create_db_parameter_group(DBParameterGroupName=name, DBParameterGroupFamily="postgres15", Description="x")


def attach(rds, instance, group):
    rds.modify_db_instance(DBInstanceIdentifier=instance, DBParameterGroupName=group)
    until(lambda: apply_status(rds, instance), "pending-reboot")
    described = lambda: rds.describe_db_instances(DBInstanceIdentifier=instance)["DBInstances"][0]  # noqa: E731
    until(lambda: described()["DBInstanceStatus"], "available")


def test_an_aurora_cluster_goes_logical_member_by_member(sandbox, rds, cluster):
    make_group(rds, "reboots-cluster", cluster=True)
    changes = [
        change("rds.logical_replication", "1"),
        change("shared_preload_libraries", "pg_stat_statements,pglogical"),
        change("max_worker_processes", "100"),
        change("wal_sender_timeout", "60000", "immediate"),
    ]
    rds.modify_db_cluster_parameter_group(DBClusterParameterGroupName="reboots-cluster", Parameters=changes)
    rds.modify_db_cluster(DBClusterIdentifier="reboots", DBClusterParameterGroupName="reboots-cluster", ApplyImmediately=True)  # fmt: skip  # noqa: E501
    until(lambda: statuses(rds), {"reboots-1": "pending-reboot", "reboots-2": "pending-reboot"})
    until(lambda: rds.describe_db_clusters(DBClusterIdentifier="reboots")["DBClusters"][0]["Status"], "available")

    assert show(cluster.connect(), "wal_level") == "replica"
    assert show(cluster.connect(), "wal_sender_timeout") == "30s", "attaching puts nothing in force, dynamic or not"

    before, reader_before = started(cluster.connect()), started(cluster.connect_member("reboots-2"))
    reboot(sandbox, rds, "reboots-1")

    assert started(cluster.connect()) > before
    for name, value in {
        "rds.logical_replication": "on",
        "wal_level": "logical",
        "shared_preload_libraries": "rdsutils,rds_casts,pg_stat_statements,pglogical",
        "max_worker_processes": "100",
        "wal_sender_timeout": "1min",
    }.items():
        assert show(cluster.connect(), name) == value
    assert statuses(rds) == {"reboots-1": "in-sync", "reboots-2": "pending-reboot"}
    assert show(cluster.connect_member("reboots-2"), "rds.logical_replication") == "off"
    assert reader_before <= started(cluster.connect_member("reboots-2"))

    with cluster.connect() as writer:
        writer.execute("create table after_the_reboot ()")
    replayed = "select to_regclass('after_the_reboot') is not null, pg_get_wal_replay_pause_state()"
    with cluster.connect_member("reboots-2") as reader:
        until(lambda: reader.execute(replayed).fetchone(), (True, "not paused"))

    reboot(sandbox, rds, "reboots-2")
    assert statuses(rds) == {"reboots-1": "in-sync", "reboots-2": "in-sync"}
    assert show(cluster.connect_member("reboots-2"), "wal_level") == "logical"


def test_a_small_change_leaves_readers_running(sandbox, rds, make_cluster):
    pair = make_cluster("reboots-quiet", readers=1)
    before = started(pair.connect_member("reboots-quiet-2"))

    reboot(sandbox, rds, "reboots-quiet-1")

    assert started(pair.connect_member("reboots-quiet-2")) == before


def test_the_instance_groups_user_value_beats_the_cluster_groups(sandbox, rds, cluster):
    rds.create_db_parameter_group(
        DBParameterGroupName="reboots-over", DBParameterGroupFamily="aurora-postgresql15", Description="x"
    )
    rds.modify_db_parameter_group(
        DBParameterGroupName="reboots-over", Parameters=[change("statement_timeout", "7000", "immediate")]
    )
    attach(rds, "reboots-1", "reboots-over")
    reboot(sandbox, rds, "reboots-1")
    rds.modify_db_cluster_parameter_group(
        DBClusterParameterGroupName="reboots-cluster", Parameters=[change("statement_timeout", "9000", "immediate")]
    )

    until(lambda: show(cluster.connect_member("reboots-2"), "statement_timeout"), "9s")
    assert show(cluster.connect(), "statement_timeout") == "7s"


def test_a_dynamic_change_is_in_force_at_once_and_a_static_one_waits(rds, instance):
    make_group(rds, "reboots-group", cluster=False)
    attach(rds, "reboots-rds", "reboots-group")
    before = started(instance.connect())
    rds.modify_db_parameter_group(
        DBParameterGroupName="reboots-group", Parameters=[change("deadlock_timeout", "2000", "immediate")]
    )

    until(lambda: show(instance.connect(), "deadlock_timeout"), "2s")
    assert started(instance.connect()) == before
    assert apply_status(rds, "reboots-rds") == "pending-reboot", "the attached group still waits"


def test_a_dynamic_change_passes_from_applying_to_in_sync(sandbox, rds, instance):
    reboot(sandbox, rds, "reboots-rds")
    rds.modify_db_parameter_group(
        DBParameterGroupName="reboots-group", Parameters=[change("deadlock_timeout", "3000", "immediate")]
    )

    assert apply_status(rds, "reboots-rds") == "applying"
    until(lambda: apply_status(rds, "reboots-rds"), "in-sync")
    assert show(instance.connect(), "deadlock_timeout") == "3s"


def test_the_same_value_again_is_no_change(rds, instance):
    rds.modify_db_parameter_group(
        DBParameterGroupName="reboots-group", Parameters=[change("deadlock_timeout", "3000", "immediate")]
    )

    assert apply_status(rds, "reboots-rds") == "in-sync"


def test_a_group_in_use_is_not_deleted(rds, instance):
    with pytest.raises(ClientError) as refusal:
        rds.delete_db_parameter_group(DBParameterGroupName="reboots-group")

    assert refusal.value.response["Error"]["Code"] == "InvalidDBParameterGroupState"


def test_a_busy_instance_refuses(sandbox, rds, instance):
    rds.reboot_db_instance(DBInstanceIdentifier="reboots-rds")
    with pytest.raises(ClientError) as refusal:
        rds.reboot_db_instance(DBInstanceIdentifier="reboots-rds")

    assert refusal.value.response["Error"]["Code"] == "InvalidDBInstanceState"
    until(lambda: sandbox.rds.instances["reboots-rds"].status.value, "available")


def test_slots_left_behind_make_a_server_without_logical_replication_incompatible(sandbox, rds, instance):
    group = {"DBParameterGroupName": "reboots-group"}
    rds.modify_db_parameter_group(**group, Parameters=[change("rds.logical_replication", "1")])
    reboot(sandbox, rds, "reboots-rds")
    with instance.connect() as connection:
        connection.execute("select pg_create_logical_replication_slot('left', 'test_decoding')")
    rds.modify_db_parameter_group(**group, Parameters=[change("rds.logical_replication", "0")])

    reboot(sandbox, rds, "reboots-rds", then="incompatible-parameters")
    with pytest.raises(psycopg.OperationalError):
        instance.connect()

    rds.modify_db_parameter_group(**group, Parameters=[change("rds.logical_replication", "1")])
    reboot(sandbox, rds, "reboots-rds")
    with instance.connect() as connection:
        assert connection.execute("select pg_drop_replication_slot('left')").rowcount == 1


def test_the_other_answer_to_slots_left_behind_can_be_tried(sandbox, rds, instance, monkeypatch):
    monkeypatch.setattr(sandbox.rds, "assumptions", Assumptions(leftover_slots_stop_the_start=False))
    with instance.connect() as connection:
        connection.execute("select pg_create_logical_replication_slot('left', 'test_decoding')")
    rds.modify_db_parameter_group(
        DBParameterGroupName="reboots-group", Parameters=[change("rds.logical_replication", "0")]
    )

    reboot(sandbox, rds, "reboots-rds")

    with instance.connect() as connection:
        assert connection.execute("select count(*) from pg_replication_slots").fetchone() == (0,)


def test_failover_takes_the_slots_along(sandbox, rds, cluster):
    with cluster.connect() as connection:
        connection.execute("select pg_create_logical_replication_slot('kept', 'test_decoding')")
    rds.failover_db_cluster(DBClusterIdentifier="reboots", TargetDBInstanceIdentifier="reboots-2")
    until(lambda: sandbox.rds.clusters["reboots"].status.value, "available", 20)

    with cluster.connect() as connection:
        assert connection.execute("select pg_is_in_recovery()").fetchone() == (False,)
        assert connection.execute("select plugin from pg_replication_slots where slot_name = 'kept'").fetchone()
        connection.execute("select pg_drop_replication_slot('kept')")
        connection.execute("create table after_the_failover ()")
    with cluster.connect_member("reboots-1") as reader:
        query = "select pg_is_in_recovery() and to_regclass('after_the_failover') is not null"
        until(lambda: reader.execute(query).fetchone(), (True,))


def test_a_failover_of_a_multi_az_instance_restarts_it_and_puts_nothing_in_force(sandbox, rds, instance):
    rds.modify_db_instance(DBInstanceIdentifier="reboots-rds", MultiAZ=True)
    group = {"DBParameterGroupName": "reboots-group"}
    rds.modify_db_parameter_group(**group, Parameters=[change("max_locks_per_transaction", "100")])
    before = started(instance.connect())

    rds.reboot_db_instance(DBInstanceIdentifier="reboots-rds", ForceFailover=True)
    until(lambda: sandbox.rds.instances["reboots-rds"].status.value, "available")

    assert started(instance.connect()) > before
    assert apply_status(rds, "reboots-rds") == "pending-reboot"
    assert show(instance.connect(), "max_locks_per_transaction") == "64"
    reboot(sandbox, rds, "reboots-rds")
    assert show(instance.connect(), "max_locks_per_transaction") == "100"


def test_a_read_replica_follows_until_it_is_promoted(sandbox, rds, instance):
    rds.create_db_instance_read_replica(DBInstanceIdentifier="reboots-copy", SourceDBInstanceIdentifier="reboots-rds")
    wait_available(sandbox, "reboots-copy")
    described = rds.describe_db_instances(DBInstanceIdentifier="reboots-copy")["DBInstances"][0]
    assert described["ReadReplicaSourceDBInstanceIdentifier"] == "reboots-rds"
    assert instance.connect_member("reboots-copy").execute("select pg_is_in_recovery()").fetchone() == (True,)

    rds.promote_read_replica(DBInstanceIdentifier="reboots-copy")
    until(lambda: sandbox.rds.instances["reboots-copy"].status.value, "available")

    with instance.connect_member("reboots-copy") as connection:
        connection.execute("create table own ()")
    with instance.connect() as connection:
        assert connection.execute("select count(*) from pg_replication_slots").fetchone() == (0,)
