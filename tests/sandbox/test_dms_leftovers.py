"""What DMS leaves behind when it is taken down: slots of sources out of reach, and nothing in the wrong order."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

from tests.sandbox.dms_lab import NAMES, eventually

FAST = {"Delay": 0.1, "MaxAttempts": 300}
TABLE = "create table t (id int primary key, v text); insert into t values (1, 'a')"


def loaded(lab, **options):
    task = lab.task(TABLE, **options)
    task.start()
    task.until_loaded()
    eventually(lambda: task.slots()[0][2])
    return task


def code_of(call, **parameters):
    with pytest.raises(ClientError) as refusal:
        call(**parameters)
    return refusal.value.response["Error"]["Code"]


def drop(task, slot):
    with task.lab.source.connect(task.source.info.dbname) as connection:
        connection.execute("select pg_drop_replication_slot(%s)", (slot,))


def test_a_stopped_task_keeps_its_slot_and_a_deleted_one_takes_it_along(lab):
    task = loaded(lab)
    (name, _, _), *_ = task.slots()
    task.stop()

    assert [(slot[0], slot[2]) for slot in task.slots()] == [(name, False)]
    task.delete()
    assert task.slots() == []


@pytest.mark.parametrize("plugin", ["test-decoding", "pglogical"])
def test_a_task_whose_source_is_out_of_sight_leaves_its_slot(lab, plugin):
    task = lab.task(TABLE, source_settings={"PluginName": plugin})
    if plugin == "pglogical":
        task.source.execute("create extension pglogical")
    task.start()
    task.until_loaded()
    (name, _, _), *_ = task.slots()
    task.stop()
    lab.sandbox.faults.switch_on("orphan-slot", identifier=task.described["ReplicationTaskIdentifier"])
    task.delete()

    assert task.status == "gone"
    assert [(slot[0], slot[2]) for slot in task.slots()] == [(name, False)]
    drop(task, name)


def test_a_task_whose_source_is_dead_is_deleted_and_leaves_its_slot(lab):
    task = loaded(lab)
    (name, _, _), *_ = task.slots()
    task.stop()
    server = lab.sandbox.rds.instances["dms-lab-source-1"].server
    server.kill()
    try:
        task.delete()
    finally:
        server.start()
    task.source = lab.source.connect(task.source.info.dbname)

    assert [(slot[0], slot[2]) for slot in task.slots()] == [(name, False)]
    drop(task, name)


def test_a_task_whose_source_does_not_answer_is_deleted_and_leaves_its_slot(lab):
    task = loaded(lab)
    (name, _, _), *_ = task.slots()
    task.stop()
    lab.sandbox.faults.switch_on("cut-connection", identifier="dms-lab-source", seconds=60)
    task.delete()
    lab.sandbox.faults.clear()
    task.source = lab.source.connect(task.source.info.dbname)

    assert [(slot[0], slot[2]) for slot in task.slots()] == [(name, False)]
    drop(task, name)


def test_a_slot_that_was_given_is_not_dmss_to_drop(lab):
    name, source, _ = lab.databases()
    source.execute("create table t (id int primary key)")
    query = f"select lsn::text from pg_create_logical_replication_slot('given_{name}', 'test_decoding')"
    (position,) = source.execute(query).fetchone()
    ends = [
        lab.endpoint("source", name, PostgreSQLSettings={"SlotName": f"given_{name}"}),
        lab.endpoint("target", name),
    ]
    for end in ends:
        lab.tested(end)
    arn = lab.dms.create_replication_task(
        ReplicationTaskIdentifier=f"given-{next(NAMES)}",
        SourceEndpointArn=ends[0],
        TargetEndpointArn=ends[1],
        ReplicationInstanceArn=lab.instance,
        MigrationType="cdc",
        TableMappings='{"rules": [{"rule-type": "selection", "rule-id": "1", "rule-name": "all",'
        ' "object-locator": {"schema-name": "%", "table-name": "%"}, "rule-action": "include"}]}',
        CdcStartPosition=position,
    )["ReplicationTask"]["ReplicationTaskArn"]
    filters = [{"Name": "replication-task-arn", "Values": [arn]}]
    lab.dms.get_waiter("replication_task_ready").wait(Filters=filters, WaiterConfig=FAST)
    lab.dms.delete_replication_task(ReplicationTaskArn=arn)
    lab.until_gone(arn)

    left = source.execute("select slot_name from pg_replication_slots where database = %s", (name,)).fetchall()
    assert left == [(f"given_{name}",)]
    source.execute("select pg_drop_replication_slot(%s)", (left[0][0],))


def test_the_orphan_fault_names_an_unknown_task(lab):
    with pytest.raises(Exception, match="no-such-task not found"):
        lab.sandbox.faults.switch_on("orphan-slot", identifier="no-such-task")


def test_only_the_right_order_of_deletion_is_taken(lab):
    """Task, then endpoint, then instance, then subnet group; each held while what uses it is still being deleted."""
    group, identifier = f"order-{next(NAMES)}", f"order-{next(NAMES)}"
    subnets = [subnet["SubnetId"] for subnet in lab.sandbox.client("ec2").describe_subnets()["Subnets"]]
    dms = lab.dms
    dms.create_replication_subnet_group(
        ReplicationSubnetGroupIdentifier=group, ReplicationSubnetGroupDescription="x", SubnetIds=subnets
    )
    instance = dms.create_replication_instance(
        ReplicationInstanceIdentifier=identifier,
        ReplicationInstanceClass="dms.t3.micro",
        ReplicationSubnetGroupIdentifier=group,
    )["ReplicationInstance"]["ReplicationInstanceArn"]
    by_arn = [{"Name": "replication-instance-arn", "Values": [instance]}]
    dms.get_waiter("replication_instance_available").wait(Filters=by_arn, WaiterConfig=FAST)
    mine = type(lab)(dms, lab.sandbox, lab.source, lab.target, instance, [])
    task = mine.task(TABLE)
    task.start()
    task.until_loaded()

    held = [
        (dms.delete_replication_task, {"ReplicationTaskArn": task.arn}),
        (dms.delete_endpoint, {"EndpointArn": task.source_endpoint}),
        (dms.delete_endpoint, {"EndpointArn": task.target_endpoint}),
        (dms.delete_connection, {"EndpointArn": task.source_endpoint, "ReplicationInstanceArn": instance}),
        (dms.delete_replication_instance, {"ReplicationInstanceArn": instance}),
        (dms.delete_replication_subnet_group, {"ReplicationSubnetGroupIdentifier": group}),
    ]
    assert [code_of(call, **what) for call, what in held] == ["InvalidResourceStateFault"] * len(held)
    task.stop()
    dms.delete_replication_task(ReplicationTaskArn=task.arn)
    assert [code_of(call, **what) for call, what in held] == ["InvalidResourceStateFault"] * len(held)
    mine.until_gone(task.arn)

    dms.delete_connection(EndpointArn=task.source_endpoint, ReplicationInstanceArn=instance)
    for endpoint in (task.source_endpoint, task.target_endpoint):
        dms.delete_endpoint(EndpointArn=endpoint)
        assert code_of(dms.delete_endpoint, EndpointArn=endpoint) in (
            "InvalidResourceStateFault",
            "ResourceNotFoundFault",
        )
    assert [code_of(call, **what) for call, what in held[5:]] == ["InvalidResourceStateFault"]
    dms.delete_replication_instance(ReplicationInstanceArn=instance)
    assert code_of(dms.delete_replication_subnet_group, ReplicationSubnetGroupIdentifier=group) == (
        "InvalidResourceStateFault"
    )
    dms.get_waiter("replication_instance_deleted").wait(Filters=by_arn, WaiterConfig=FAST)
    dms.delete_replication_subnet_group(ReplicationSubnetGroupIdentifier=group)
    task.source.close()
    task.target.close()


def test_an_aurora_cluster_with_a_member_is_kept(lab, make_cluster):
    rds = lab.sandbox.client("rds")
    make_cluster("order-cluster")

    delete = {"DBClusterIdentifier": "order-cluster", "SkipFinalSnapshot": True}
    assert code_of(rds.delete_db_cluster, **delete) == "InvalidDBClusterStateFault"
    rds.delete_db_instance(DBInstanceIdentifier="order-cluster-1")
    rds.delete_db_cluster(**delete)
    eventually(lambda: "order-cluster" not in lab.sandbox.rds.clusters)
