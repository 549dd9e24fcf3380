"""The endpoint itself: faults by name, the call log, moto's services beside ours."""

from __future__ import annotations

import json
import time
import urllib.request
from pathlib import Path

import psycopg
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

ONCE = Config(retries={"max_attempts": 0})


@pytest.fixture(scope="module")
def instance(make_instance):
    return make_instance("api")


@pytest.fixture
def rds(sandbox):
    yield sandbox.client("rds", config=ONCE)
    sandbox.faults.clear()


def page(sandbox, name, **wanted):
    request = urllib.request.Request(
        f"{sandbox.endpoint_url}/_sandbox/{name}", json.dumps(wanted).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


def code_of(call, **parameters):
    with pytest.raises(ClientError) as refusal:
        call(**parameters)
    return refusal.value.response["Error"]["Code"]


def make_group(rds, name):
    return rds.create_db_parameter_group(
        DBParameterGroupName=name, DBParameterGroupFamily="postgres15", Description="x"
    )


@pytest.mark.parametrize(
    ("kind", "code", "done"),
    [
        ("throttle", "ThrottlingException", False),
        ("server-error", "InternalFailure", False),
        ("timeout-after-effect", "RequestTimeout", True),
    ],
)
def test_a_fault_meets_the_calls_it_was_set_for_and_then_is_over(sandbox, rds, kind, code, done):
    sandbox.faults.switch_on(kind, action="CreateDBParameterGroup")

    assert code_of(lambda: make_group(rds, f"api-{kind}")) == code
    if done:
        assert code_of(lambda: make_group(rds, f"api-{kind}")) == "DBParameterGroupAlreadyExists"
    else:
        make_group(rds, f"api-{kind}")
    assert [call.fault for call in sandbox.log if call.action == "CreateDBParameterGroup"][-2:] == [kind, None]


@pytest.mark.parametrize(("kind", "done"), [("throttle", False), ("timeout-after-effect", True)])
@pytest.mark.parametrize("service", ["secretsmanager", "iam", "s3"])
def test_faults_meet_motos_services_too(sandbox, service, kind, done):
    client = sandbox.client(service, config=ONCE)
    name = f"api-{service}-{kind}"
    act, look = {
        "secretsmanager": (
            lambda: client.create_secret(Name=name, SecretString="{}"),
            lambda: client.describe_secret(SecretId=name),
        ),
        "iam": (lambda: client.create_group(GroupName=name), lambda: client.get_group(GroupName=name)),
        "s3": (
            lambda: client.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": sandbox.region}),
            lambda: client.get_bucket_location(Bucket=name),
        ),
    }[service]
    sandbox.faults.switch_on(kind, service=service)

    assert code_of(act) == ("RequestTimeout" if done else "ThrottlingException")
    if done:
        look()
    else:
        code_of(look)


def test_a_stale_describe_tells_what_it_told_before(sandbox, rds, instance):
    status = lambda: rds.describe_db_instances(DBInstanceIdentifier="api")["DBInstances"][0]["DBInstanceStatus"]  # noqa: E731
    assert status() == "available"
    sandbox.faults.switch_on("stale-describe", service="rds", calls=2)
    rds.reboot_db_instance(DBInstanceIdentifier="api")
    time.sleep(0.05)

    assert [status(), status(), status()] == ["available", "available", "rebooting"]
    while status() != "available":
        time.sleep(0.05)


def test_a_killed_server_comes_back_after_its_time(sandbox, instance):
    before = sandbox.rds.instances["api"].server.pid
    page(sandbox, "faults", on="kill-server", identifier="api", seconds=0.3)
    with pytest.raises(Exception, match="refused"):
        instance.connect()

    ends = time.monotonic() + 10
    while sandbox.rds.instances["api"].server.pid in (None, before):
        assert time.monotonic() < ends
        time.sleep(0.05)
    while True:
        try:
            instance.connect().close()
        except psycopg.OperationalError:
            assert time.monotonic() < ends
            time.sleep(0.05)
        else:
            break


def test_faults_are_listed_and_cleared_over_http(sandbox):
    page(sandbox, "faults", on="throttle", service="dms", calls=3)
    listed = page(sandbox, "faults")

    assert [(one["name"], one["calls"]) for one in listed["on"]] == [("throttle", 3)]
    assert {"throttle", "server-error", "timeout-after-effect", "stale-describe", "kill-server"} <= set(listed["kinds"])
    assert page(sandbox, "faults", clear=True)["on"] == []


def test_every_fault_is_in_the_manual(sandbox):
    manual = (Path(__file__).parents[2] / "docs" / "sandbox.md").read_text()

    assert [kind for kind in sandbox.faults.kinds if f"| `{kind}` |" not in manual] == []


def test_the_call_log_masks_secrets_and_tells_reads_from_changes(sandbox, rds, mutating_calls):
    with mutating_calls() as calls:
        rds.describe_db_instances()
        make_group(rds, "api-logged")
        code_of(
            rds.create_db_instance,
            DBInstanceIdentifier="api", DBInstanceClass="db.t3.small", Engine="postgres",
            MasterUsername="postgres", MasterUserPassword="canary-Passw0rd",
        )  # fmt: skip

    assert [call.action for call in calls] == ["CreateDBParameterGroup"]
    written = json.dumps(page(sandbox, "calls", since=0)) + (sandbox.directory / "calls.jsonl").read_text()
    assert "canary-Passw0rd" not in written
    last = page(sandbox, "calls", since=0)[-1]
    assert (last["action"], last["error"]) == ("CreateDBInstance", "DBInstanceAlreadyExists")


def test_moto_services_share_the_endpoint(sandbox):
    s3 = sandbox.client("s3")
    s3.create_bucket(Bucket="reports", CreateBucketConfiguration={"LocationConstraint": sandbox.region})
    s3.put_object(Bucket="reports", Key="a/b", Body=b"x")

    assert s3.get_object(Bucket="reports", Key="a/b")["Body"].read() == b"x"
    assert sandbox.client("sts").get_caller_identity()["Account"] == "123456789012"
    assert sandbox.client("iam").get_role(RoleName="dms-vpc-role")["Role"]["RoleName"] == "dms-vpc-role"
    assert sandbox.client("iam").get_role(RoleName="dms-cloudwatch-logs-role")


def test_the_status_page_lists_servers_without_passwords(sandbox, instance):
    state = page(sandbox, "status")
    (found,) = (one for one in state["servers"] if one["identifier"] == "api")

    assert state["aws_endpoint_url"] == sandbox.endpoint_url
    assert found["dsn"] == f"postgresql://postgres@localhost:{instance.port}/shop"
    assert found["pid"] == sandbox.rds.instances["api"].server.pid
    assert instance.password not in json.dumps(state)
