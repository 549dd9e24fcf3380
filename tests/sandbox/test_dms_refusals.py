"""What AWS refuses, the sandbox refuses, with AWS's code and words."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.sandbox.dms_lab import NAMES, Lab, mappings, rule

TABLE = "create table t (id int primary key)"
NOWHERE = "arn:aws:dms:eu-west-1:123456789012:task:NOWHERE"


def refused(call: Any, **parameters: Any) -> tuple[str, str]:
    """Return the code and the message the call is refused with."""
    with pytest.raises(ClientError) as caught:
        call(**parameters)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


@pytest.fixture(scope="module")
def rooms(home: Lab):
    """The lab, for this module."""
    mine = replace(home, made=[])
    yield mine
    mine.clear()


@pytest.fixture(scope="module")
def ready(rooms: Lab):
    """A task that never ran."""
    return rooms.task(TABLE)


@pytest.fixture(scope="module")
def running(rooms: Lab):
    """A task in change capture."""
    task = rooms.task(TABLE)
    task.start()
    task.until_loaded()
    return task


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("{", "Invalid Table Mappings document. Invalid json", id="not-json"),
        pytest.param("{}", "Valid Table mappings is required", id="no-rules"),
        pytest.param(mappings(rule(action="take")), "Invalid table mappings document.", id="bad-action"),
        pytest.param(
            json.dumps({"rules": [{**rule(), "rule-type": "choose"}]}),
            "Invalid table mappings document.",
            id="bad-type",
        ),
        pytest.param(
            json.dumps({"rules": [{**rule(), "object-locator": None}]}),
            "Error in mapping rules. Rule with ruleId = 1 failed validation. object locator cannot be null",
            id="no-locator",
        ),
        pytest.param(mappings(rule(), rule()), "Error in mapping rules. Duplicate ruleid 1", id="duplicate-id"),
        pytest.param(
            mappings({**rule("public", "t"), "rule-type": "table-settings"}),
            "Error in mapping rules. At least one selection rule is required.",
            id="no-selection",
        ),
        pytest.param(
            mappings(rule(), {**rule("public", "%", number=2), "rule-type": "table-settings"}),
            "Exact schema and table name required when using table settings rule.",
            id="inexact-table-settings",
        ),
    ],
)
def test_mappings_are_refused_at_create(lab, ready, text, message):
    code, found = refused(
        lab.dms.create_replication_task,
        ReplicationTaskIdentifier="refused",
        SourceEndpointArn=ready.source_endpoint,
        TargetEndpointArn=ready.target_endpoint,
        ReplicationInstanceArn=lab.instance,
        MigrationType="full-load",
        TableMappings=text,
    )

    assert code == "InvalidParameterValueException"
    assert message in found


@pytest.mark.parametrize(
    ("change", "code", "message"),
    [
        pytest.param(
            {"swap": True}, "InvalidParameterValueException", "must be of type SOURCE", id="swapped-endpoints"
        ),
        pytest.param({"MigrationType": "all"}, "InvalidParameterValueException", "migration type", id="bad-type"),
        pytest.param(
            {"ReplicationTaskSettings": '{"FullLoadSettings": {"Nope": 1}}'},
            "InvalidParameterValueException",
            "FullLoadSettings.Nope",
            id="unknown-setting",
        ),
        pytest.param(
            {"ReplicationTaskSettings": '{"TargetMetadata": {"FullLobMode": true}}'},
            "InvalidParameterValueException",
            "exactly one",
            id="two-lob-modes",
        ),
        pytest.param({"SourceEndpointArn": NOWHERE}, "ResourceNotFoundFault", "not found", id="unknown-endpoint"),
        pytest.param(
            {"ReplicationTaskIdentifier": "double--hyphen"}, "InvalidParameterValueException", "hyphen", id="bad-name"
        ),
        pytest.param(
            {"TableMappings": mappings({**rule(), "filters": [{"filter-type": "source"}]})},
            "SandboxNotImplemented",
            "filters",
            id="filters-are-not-done-here",
        ),
        pytest.param(
            {"ReplicationTaskSettings": '{"ValidationSettings": {"EnableValidation": true}}'},
            "SandboxNotImplemented",
            "EnableValidation",
            id="validation-is-not-done-here",
        ),
        pytest.param(
            {"CdcStopPosition": "server_time:2030-01-01T00:00:00"},
            "SandboxNotImplemented",
            "CdcStopPosition",
            id="stop-position-is-not-done-here",
        ),
        pytest.param(
            {"CdcStartPosition": "yesterday"}, "InvalidParameterValueException", "CdcStartPosition", id="bad-position"
        ),
    ],
)
def test_a_task_is_refused_at_create(lab, ready, change, code, message):
    change = dict(change)
    ends = [ready.source_endpoint, ready.target_endpoint]
    if change.pop("swap", False):
        ends.reverse()
    parameters = {
        "ReplicationTaskIdentifier": "refused",
        "SourceEndpointArn": ends[0],
        "TargetEndpointArn": ends[1],
        "ReplicationInstanceArn": lab.instance,
        "MigrationType": "full-load",
        "TableMappings": mappings(),
        **change,
    }

    found = refused(lab.dms.create_replication_task, **parameters)

    assert found[0] == code
    assert message in found[1]


def test_names_are_taken_once_whatever_their_case(lab, ready):
    name = ready.described["ReplicationTaskIdentifier"]

    code, _ = refused(
        lab.dms.create_replication_task,
        ReplicationTaskIdentifier=name.upper(),
        SourceEndpointArn=ready.source_endpoint,
        TargetEndpointArn=ready.target_endpoint,
        ReplicationInstanceArn=lab.instance,
        MigrationType="cdc",
        TableMappings=mappings(),
    )

    assert code == "ResourceAlreadyExistsFault"


@pytest.mark.parametrize(
    ("action", "more", "message"),
    [
        pytest.param(
            "start_replication_task", {"StartReplicationTaskType": "resume-processing"}, "cannot be started", id="start"
        ),
        pytest.param("delete_replication_task", {}, "cannot be deleted", id="delete"),
        pytest.param(
            "modify_replication_task",
            {"ReplicationTaskSettings": "{}"},
            "Replication Task, excluding logging severity task settings, cannot be modified while it is running state",
            id="modify",
        ),
    ],
)
def test_a_running_task_refuses(running, lab, action, more, message):
    code, found = refused(getattr(lab.dms, action), ReplicationTaskArn=running.arn, **more)

    assert code == "InvalidResourceStateFault"
    assert message in found


def test_what_a_task_uses_cannot_be_deleted_before_it(lab, running):
    for action, arn in (
        ("delete_endpoint", {"EndpointArn": running.source_endpoint}),
        ("modify_endpoint", {"EndpointArn": running.target_endpoint, "Port": 1}),
        ("delete_replication_instance", {"ReplicationInstanceArn": lab.instance}),
        ("delete_connection", {"EndpointArn": running.source_endpoint, "ReplicationInstanceArn": lab.instance}),
    ):
        assert refused(getattr(lab.dms, action), **arn)[0] == "InvalidResourceStateFault", action


@pytest.mark.parametrize("kind", ["resume-processing", "reload-target"])
def test_a_first_run_is_a_plain_start(lab, ready, kind):
    code, message = refused(lab.dms.start_replication_task, ReplicationTaskArn=ready.arn, StartReplicationTaskType=kind)

    assert code == "InvalidParameterCombinationException"
    assert kind.upper().replace("-", "_") in message


def test_a_second_run_is_no_plain_start(lab):
    task = lab.task(TABLE, kind="full-load")
    task.start()
    task.until("stopped")

    code, message = refused(
        lab.dms.start_replication_task, ReplicationTaskArn=task.arn, StartReplicationTaskType="start-replication"
    )

    assert code == "InvalidParameterCombinationException"
    assert message == "Start Type : START_REPLICATION, valid only for tasks running for the first time"


def test_a_task_starts_only_between_tested_endpoints(lab, ready):
    source = lab.endpoint("source", "postgres", password="wrong")
    lab.tested(source, "failed")
    arn = lab.dms.create_replication_task(
        ReplicationTaskIdentifier=f"untested-{next(NAMES)}",
        SourceEndpointArn=source,
        TargetEndpointArn=ready.target_endpoint,
        ReplicationInstanceArn=lab.instance,
        MigrationType="full-load",
        TableMappings=mappings(),
    )["ReplicationTask"]["ReplicationTaskArn"]
    filters = [{"Name": "replication-task-arn", "Values": [arn]}]
    lab.dms.get_waiter("replication_task_ready").wait(Filters=filters, WaiterConfig={"Delay": 0.1})

    code, message = refused(
        lab.dms.start_replication_task, ReplicationTaskArn=arn, StartReplicationTaskType="start-replication"
    )

    assert code == "InvalidResourceStateFault"
    assert message == (
        f"Test connection for replication instance {lab.instance} and endpoint {source} should be successful for "
        "starting the replication task"
    )


@pytest.mark.parametrize(
    ("action", "name", "noun"),
    [
        ("describe_replication_tasks", "replication-task-id", "Tasks"),
        ("describe_endpoints", "endpoint-id", "Endpoints"),
        ("describe_replication_instances", "replication-instance-id", "Replication Instances"),
        ("describe_connections", "endpoint-arn", "Connections"),
        ("describe_replication_subnet_groups", "replication-subnet-group-id", "Replication Subnet Groups"),
    ],
)
def test_a_filtered_describe_that_finds_nothing_is_a_fault(lab, action, name, noun):
    call = getattr(lab.dms, action)

    assert refused(call, Filters=[{"Name": name, "Values": ["none"]}]) == (
        "ResourceNotFoundFault",
        f"No {noun} found matching provided filters",
    )
    assert refused(call, Filters=[{"Name": "colour", "Values": ["red"]}])[0] == "InvalidParameterValueException"
    assert refused(call, MaxRecords=19)[0] == "InvalidParameterValueException"
    assert refused(call, MaxRecords=101)[0] == "InvalidParameterValueException"


@pytest.mark.parametrize(
    ("settings", "clear", "code"),
    [
        pytest.param(
            {"SecretsManagerSecretId": "s", "SecretsManagerAccessRoleArn": "r"},
            {"Username": "u"},
            "InvalidParameterCombinationException",
            id="secret-and-clear-text",
        ),
        pytest.param(
            {"SecretsManagerSecretId": "s"}, {}, "InvalidParameterCombinationException", id="secret-without-role"
        ),
        pytest.param({}, {"Username": "u"}, "InvalidParameterCombinationException", id="half-of-the-clear-text"),
        pytest.param(
            {"PluginName": "test_decoding"}, {"Username": "u"}, "InvalidParameterValueException", id="plugin-misspelt"
        ),
        pytest.param({}, {"EngineName": "mysql"}, "InvalidParameterValueException", id="engine-we-do-not-have"),
    ],
)
def test_an_endpoint_is_refused_at_create(lab, settings, clear, code):
    parameters = {
        "EndpointIdentifier": "refused",
        "EndpointType": "source",
        "EngineName": "postgres",
        "DatabaseName": "d",
        "PostgreSQLSettings": settings,
        **clear,
    }

    assert refused(lab.dms.create_endpoint, **parameters)[0] == code


def test_a_subnet_group_needs_known_subnets_of_two_zones_and_the_role(lab):
    subnets = lab.sandbox.client("ec2").describe_subnets()["Subnets"]

    def group(*ids: str) -> tuple[str, str]:
        return refused(
            lab.dms.create_replication_subnet_group,
            ReplicationSubnetGroupIdentifier="refused",
            ReplicationSubnetGroupDescription="d",
            SubnetIds=ids,
        )

    assert group("subnet-none")[0] == "InvalidSubnet"
    assert group(subnets[0]["SubnetId"])[0] == "ReplicationSubnetGroupDoesNotCoverEnoughAZs"
    iam = lab.sandbox.client("iam")
    role = iam.get_role(RoleName="dms-vpc-role")["Role"]
    iam.delete_role(RoleName="dms-vpc-role")
    try:
        assert group(*[s["SubnetId"] for s in subnets])[0] == "AccessDeniedFault"
    finally:
        iam.create_role(
            RoleName="dms-vpc-role",
            Path=role["Path"],
            AssumeRolePolicyDocument=json.dumps(role["AssumeRolePolicyDocument"]),
        )


def test_an_instance_is_refused_for_class_version_group_and_name(lab):
    base = {"ReplicationInstanceIdentifier": "refused", "ReplicationInstanceClass": "dms.t3.micro"}
    for change, code in (
        ({"ReplicationInstanceClass": "db.t3.micro"}, "InvalidParameterValueException"),
        ({"EngineVersion": "1.0"}, "InvalidParameterValueException"),
        ({"ReplicationSubnetGroupIdentifier": "none"}, "ResourceNotFoundFault"),
        ({"ReplicationInstanceIdentifier": "dms-lab"}, "ResourceAlreadyExistsFault"),
        ({"MultiAZ": True, "AvailabilityZone": "eu-west-1a"}, "InvalidParameterCombinationException"),
    ):
        assert refused(lab.dms.create_replication_instance, **{**base, **change})[0] == code, change


def test_an_eleventh_tag_is_too_many(lab):
    tags = [{"Key": f"k{n}", "Value": "v"} for n in range(11)]

    assert refused(lab.dms.add_tags_to_resource, ResourceArn=lab.instance, Tags=tags)[0] == "ResourceQuotaExceededFault"


@pytest.mark.parametrize("action", ["describe_events", "start_replication_task_assessment"])
def test_what_the_sandbox_does_not_do_it_says(lab, action):
    parameters = {
        "start_replication_task_assessment": {"ReplicationTaskArn": NOWHERE},
    }

    assert refused(getattr(lab.dms, action), **parameters.get(action, {}))[0] == "SandboxNotImplemented"
