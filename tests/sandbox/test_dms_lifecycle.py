"""The life of DMS's resources: states that take time, in order, and boto3's own waiters."""

from __future__ import annotations

import datetime as dt
import json
import re

import pytest

from tests.sandbox.dms_lab import NAMES, eventually, rule

FAST = {"Delay": 0.1, "MaxAttempts": 300}
TABLE = "create table t (id int primary key, v text); insert into t values (1, 'a')"


def test_an_instance_comes_and_goes_as_botocore_waits_for_it(lab):
    answer = lab.dms.create_replication_instance(
        ReplicationInstanceIdentifier="Mixed-Case", ReplicationInstanceClass="dms.t3.micro"
    )["ReplicationInstance"]
    filters = [{"Name": "replication-instance-arn", "Values": [answer["ReplicationInstanceArn"]]}]

    assert answer["ReplicationInstanceIdentifier"] == "mixed-case"
    assert answer["ReplicationInstanceStatus"] == "creating"
    assert answer["PubliclyAccessible"] is True
    assert re.fullmatch(r"arn:aws:dms:eu-west-1:123456789012:rep:[A-Z2-7]{26,39}", answer["ReplicationInstanceArn"])
    assert isinstance(answer["InstanceCreateTime"], dt.datetime)
    lab.dms.get_waiter("replication_instance_available").wait(Filters=filters, WaiterConfig=FAST)
    lab.dms.delete_replication_instance(ReplicationInstanceArn=answer["ReplicationInstanceArn"])
    lab.dms.get_waiter("replication_instance_deleted").wait(Filters=filters, WaiterConfig=FAST)


@pytest.mark.parametrize(("now", "status"), [(True, "modifying"), (False, "available")], ids=["at-once", "pending"])
def test_a_change_of_an_instance_waits_unless_it_is_immediate(lab, now, status):
    arn = lab.dms.create_replication_instance(
        ReplicationInstanceIdentifier=f"ri-{next(NAMES)}", ReplicationInstanceClass="dms.t3.micro"
    )["ReplicationInstance"]["ReplicationInstanceArn"]
    filters = [{"Name": "replication-instance-arn", "Values": [arn]}]
    lab.dms.get_waiter("replication_instance_available").wait(Filters=filters, WaiterConfig=FAST)
    changed = lab.dms.modify_replication_instance(
        ReplicationInstanceArn=arn, ReplicationInstanceClass="dms.t3.small", ApplyImmediately=now
    )["ReplicationInstance"]

    assert changed["ReplicationInstanceStatus"] == status
    assert ("ReplicationInstanceClass" in changed["PendingModifiedValues"]) is not now


def test_a_subnet_group_spans_zones_and_is_held_by_its_instance(lab):
    subnets = lab.sandbox.client("ec2").describe_subnets()["Subnets"]
    group = lab.dms.create_replication_subnet_group(
        ReplicationSubnetGroupIdentifier="DMS-Group",
        ReplicationSubnetGroupDescription="for a test",
        SubnetIds=[subnet["SubnetId"] for subnet in subnets],
    )["ReplicationSubnetGroup"]
    instance = lab.dms.create_replication_instance(
        ReplicationInstanceIdentifier=f"ri-{next(NAMES)}",
        ReplicationInstanceClass="dms.t3.micro",
        ReplicationSubnetGroupIdentifier="dms-group",
    )["ReplicationInstance"]

    assert group["ReplicationSubnetGroupIdentifier"] == "dms-group"
    assert {s["SubnetIdentifier"] for s in group["Subnets"]} == {s["SubnetId"] for s in subnets}
    assert instance["ReplicationSubnetGroup"]["VpcId"] == group["VpcId"]
    with pytest.raises(lab.dms.exceptions.InvalidResourceStateFault, match="in use"):
        lab.dms.delete_replication_subnet_group(ReplicationSubnetGroupIdentifier="dms-group")
    filters = [{"Name": "replication-instance-arn", "Values": [instance["ReplicationInstanceArn"]]}]
    lab.dms.get_waiter("replication_instance_available").wait(Filters=filters, WaiterConfig=FAST)
    lab.dms.delete_replication_instance(ReplicationInstanceArn=instance["ReplicationInstanceArn"])
    lab.dms.get_waiter("replication_instance_deleted").wait(Filters=filters, WaiterConfig=FAST)
    lab.dms.delete_replication_subnet_group(ReplicationSubnetGroupIdentifier="dms-group")


def test_an_endpoint_is_creating_then_active_and_never_tells_its_password(lab):
    arn = lab.endpoint("source", "postgres", password="hush", PostgreSQLSettings={"PluginName": "pglogical"})
    filters = [{"Name": "endpoint-arn", "Values": [arn]}]

    def found() -> dict:
        return lab.dms.describe_endpoints(Filters=filters)["Endpoints"][0]

    assert found()["Status"] in ("creating", "active")
    assert "hush" not in json.dumps(found(), default=str)
    assert found()["PostgreSQLSettings"]["PluginName"] == "pglogical"
    assert found()["EndpointType"] == "SOURCE"
    eventually(lambda: found()["Status"] == "active")
    lab.dms.delete_endpoint(EndpointArn=arn)
    lab.dms.get_waiter("endpoint_deleted").wait(Filters=filters, WaiterConfig=FAST)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        pytest.param({"password": "wrong"}, 'password authentication failed for user "postgres"', id="wrong-password"),
        pytest.param({"user": "nobody"}, 'password authentication failed for user "nobody"', id="unknown-user"),
    ],
)
def test_a_failed_connection_test_says_what_postgres_said(lab, change, message):
    endpoint = lab.endpoint("source", "postgres", **change)

    assert message in lab.tested(endpoint, "failed")["LastFailureMessage"]


def test_an_unknown_database_fails_the_connection_test(lab):
    found = lab.tested(lab.endpoint("target", "nowhere"), "failed")

    assert 'database "nowhere" does not exist' in found["LastFailureMessage"]


def test_modifying_an_endpoint_tests_it_again_by_itself(lab):
    endpoint = lab.endpoint("source", "postgres", password="wrong")
    lab.tested(endpoint, "failed")
    lab.dms.modify_endpoint(EndpointArn=endpoint, Password=lab.source.password)

    assert lab.connection(endpoint)["Status"] == "testing"
    with pytest.raises(lab.dms.exceptions.InvalidResourceStateFault, match="already being tested"):
        lab.dms.test_connection(ReplicationInstanceArn=lab.instance, EndpointArn=endpoint)
    eventually(lambda: lab.connection(endpoint)["Status"] == "successful")


def test_a_secret_stands_for_the_clear_text(lab):
    kept = {"username": "postgres", "password": lab.source.password, "host": "localhost", "port": lab.source.port}
    secret = lab.sandbox.client("secretsmanager").create_secret(Name="dms-lab", SecretString=json.dumps(kept))["ARN"]
    settings = {
        "SecretsManagerSecretId": secret,
        "SecretsManagerAccessRoleArn": "arn:aws:iam::123456789012:role/dms-secrets",
        "DatabaseName": "postgres",
    }
    arn = lab.dms.create_endpoint(
        EndpointIdentifier=f"secret-{next(NAMES)}",
        EndpointType="source",
        EngineName="postgres",
        SslMode="require",
        PostgreSQLSettings=settings,
    )["Endpoint"]["EndpointArn"]

    assert lab.tested(arn)["LastFailureMessage"] == ""


def test_a_secret_that_lacks_a_key_fails_the_test_not_the_endpoint(lab):
    lab.sandbox.client("secretsmanager").create_secret(Name="half", SecretString=json.dumps({"username": "postgres"}))
    settings = {"SecretsManagerSecretId": "half", "SecretsManagerAccessRoleArn": "arn:x", "DatabaseName": "postgres"}
    arn = lab.dms.create_endpoint(
        EndpointIdentifier=f"half-{next(NAMES)}",
        EndpointType="source",
        EngineName="postgres",
        PostgreSQLSettings=settings,
    )["Endpoint"]["EndpointArn"]

    assert "host" in lab.tested(arn, "failed")["LastFailureMessage"]


def test_a_task_goes_through_its_states_as_botocore_waits_for_them(lab):
    task = lab.task(TABLE)
    filters = [{"Name": "replication-task-arn", "Values": [task.arn]}]
    before = task.described
    task.start()

    assert "ReplicationTaskStats" not in before
    assert task.tables() == {} or task.status == "running"
    lab.dms.get_waiter("replication_task_running").wait(Filters=filters, WaiterConfig=FAST)
    eventually(lambda: task.described["ReplicationTaskStats"]["TablesLoaded"] == 1)
    assert task.described["ReplicationTaskStats"]["FreshStartDate"].tzinfo
    lab.dms.stop_replication_task(ReplicationTaskArn=task.arn)
    lab.dms.get_waiter("replication_task_stopped").wait(Filters=filters, WaiterConfig=FAST)
    assert task.described["StopReason"] == "Stop Reason NORMAL"
    lab.dms.delete_replication_task(ReplicationTaskArn=task.arn)
    lab.dms.get_waiter("replication_task_deleted").wait(Filters=filters, WaiterConfig=FAST)


def test_the_slot_stays_through_a_stop_and_is_made_anew_by_a_reload(lab):
    task = lab.task(TABLE)
    task.start()
    task.until_loaded()
    eventually(lambda: task.slots()[0][2])
    (first, plugin, _), *_ = task.slots()
    task.source.execute("insert into t values (2, 'b')")
    task.until_drained()
    task.stop()

    assert task.slots() == [(first, plugin, False)]
    assert task.described["RecoveryCheckpoint"].startswith("checkpoint:V1#1#")
    task.source.execute("insert into t values (3, 'while stopped')")
    task.start("resume-processing")
    task.until("running")
    eventually(lambda: task.target.execute("select count(*) from t").fetchone() == (3,))
    assert task.slots()[0][0] == first
    assert task.tables()["public", "t"]["FullLoadRows"] == 1
    task.stop()
    task.start("reload-target")
    task.until("running")
    eventually(lambda: task.tables()["public", "t"]["FullLoadRows"] == 3)
    assert task.slots()[0][0] != first
    task.stop()
    task.delete()
    assert task.slots() == []


@pytest.mark.parametrize(
    ("setting", "reason"),
    [
        pytest.param("StopTaskCachedChangesNotApplied", "STOPPED_AFTER_FULL_LOAD", id="before-cached-changes"),
        pytest.param("StopTaskCachedChangesApplied", "STOPPED_AFTER_CACHED_EVENTS", id="after-cached-changes"),
    ],
)
def test_a_task_told_so_stops_after_its_load(lab, setting, reason):
    task = lab.task(TABLE, settings={"FullLoadSettings": {setting: True}})
    task.start()

    assert task.until("stopped")["StopReason"] == f"Stop Reason {reason}"
    task.source.execute("insert into t values (2, 'later')")
    task.start("resume-processing")
    eventually(lambda: task.target.execute("select count(*) from t").fetchone() == (2,))
    assert task.status == "running"


def test_a_reloaded_table_is_loaded_again_while_changes_go_on(lab):
    task = lab.task(TABLE)
    task.start()
    task.until_loaded()
    task.target.execute("delete from t")
    tables = [{"SchemaName": "public", "TableName": "t"}]
    lab.dms.reload_tables(ReplicationTaskArn=task.arn, TablesToReload=tables)
    task.source.execute("insert into t values (2, 'b')")

    eventually(lambda: task.tables()["public", "t"]["TableState"] == "Table completed")
    task.until_drained()
    assert task.tables()["public", "t"]["FullLoadReloaded"] is True
    assert task.target.execute("select id from t order by id").fetchall() == [(1,), (2,)]


def test_a_rebooted_instance_takes_its_tasks_up_again(lab):
    task = lab.task(TABLE)
    task.start()
    task.until_loaded()
    eventually(lambda: task.slots()[0][2])
    lab.dms.reboot_replication_instance(ReplicationInstanceArn=lab.instance)
    task.source.execute("insert into t values (2, 'b')")

    filters = [{"Name": "replication-instance-arn", "Values": [lab.instance]}]
    lab.dms.get_waiter("replication_instance_available").wait(Filters=filters, WaiterConfig=FAST)
    task.until_drained()
    assert task.status == "running"
    assert task.target.execute("select count(*) from t").fetchone() == (2,)


def test_cdc_only_takes_up_a_slot_at_a_position(lab):
    name, source, target = lab.databases()
    source.execute("create table t (id int primary key)")
    target.execute("create table t (id int primary key)")
    query = f"select lsn::text from pg_create_logical_replication_slot('mine_{name}', 'test_decoding')"
    (position,) = source.execute(query).fetchone()
    source.execute("insert into t values (1)")
    ends = (
        lab.endpoint("source", name, PostgreSQLSettings={"SlotName": f"mine_{name}"}),
        lab.endpoint("target", name),
    )
    for end in ends:
        lab.tested(end)
    arn = lab.dms.create_replication_task(
        ReplicationTaskIdentifier=f"cdc-{next(NAMES)}",
        SourceEndpointArn=ends[0],
        TargetEndpointArn=ends[1],
        ReplicationInstanceArn=lab.instance,
        MigrationType="cdc",
        TableMappings=json.dumps({"rules": [rule()]}),
        CdcStartPosition=position,
    )["ReplicationTask"]["ReplicationTaskArn"]
    filters = [{"Name": "replication-task-arn", "Values": [arn]}]
    lab.dms.get_waiter("replication_task_ready").wait(Filters=filters, WaiterConfig=FAST)
    lab.dms.start_replication_task(ReplicationTaskArn=arn, StartReplicationTaskType="start-replication")

    eventually(lambda: target.execute("select count(*) from t").fetchone() == (1,))
    lab.dms.stop_replication_task(ReplicationTaskArn=arn)
    lab.dms.get_waiter("replication_task_stopped").wait(Filters=filters, WaiterConfig=FAST)
    lab.dms.delete_replication_task(ReplicationTaskArn=arn)
    lab.until_gone(arn)
    assert source.execute(
        "select count(*) from pg_replication_slots where slot_name = %s", (f"mine_{name}",)
    ).fetchone() == (1,)


def test_settings_come_back_complete_and_mappings_as_given(lab):
    task = lab.task(settings={"FullLoadSettings": {"MaxFullLoadSubTasks": 3}})
    settings = json.loads(task.described["ReplicationTaskSettings"])

    assert settings["FullLoadSettings"]["MaxFullLoadSubTasks"] == 3
    assert settings["FullLoadSettings"]["CommitRate"] == 10000
    assert settings["Logging"]["LogComponents"][0]["Severity"] == "LOGGER_SEVERITY_DEFAULT"
    assert json.loads(task.described["TableMappings"]) == {"rules": [rule()]}
    filters = [{"Name": "replication-task-arn", "Values": [task.arn]}]
    short = lab.dms.describe_replication_tasks(Filters=filters, WithoutSettings=True)["ReplicationTasks"][0]
    assert "ReplicationTaskSettings" not in short


def test_a_modified_task_goes_back_to_where_it_was(lab):
    task = lab.task(TABLE)
    change = json.dumps({"ErrorBehavior": {"FailOnNoTablesCaptured": False}})
    answer = lab.dms.modify_replication_task(ReplicationTaskArn=task.arn, ReplicationTaskSettings=change)

    assert answer["ReplicationTask"]["Status"] == "modifying"
    settings = json.loads(task.until("ready")["ReplicationTaskSettings"])
    assert settings["ErrorBehavior"]["FailOnNoTablesCaptured"] is False


def test_tags_are_added_replaced_and_removed(lab):
    arn = lab.endpoint("target", "postgres", Tags=[{"Key": "a", "Value": "1"}])
    lab.dms.add_tags_to_resource(ResourceArn=arn, Tags=[{"Key": "a", "Value": "2"}, {"Key": "b", "Value": "3"}])
    lab.dms.remove_tags_from_resource(ResourceArn=arn, TagKeys=["b", "c"])

    assert lab.dms.list_tags_for_resource(ResourceArn=arn)["TagList"] == [{"Key": "a", "Value": "2"}]
    assert lab.dms.list_tags_for_resource(ResourceArnList=[arn])["TagList"][0]["ResourceArn"] == arn


def test_describes_are_paged(lab):
    pages = lab.dms.get_paginator("describe_orderable_replication_instances").paginate(
        PaginationConfig={"PageSize": 20}
    )
    found = [page["OrderableReplicationInstances"] for page in pages]

    assert {len(page) for page in found[:-1]} == {20}
    assert "dms.t3.medium" in {row["ReplicationInstanceClass"] for page in found for row in page}
    assert lab.dms.describe_engine_versions()["EngineVersions"]
    assert {q["AccountQuotaName"] for q in lab.dms.describe_account_attributes()["AccountQuotas"]} >= {"Endpoints"}
