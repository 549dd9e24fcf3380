"""A lost answer, a throttled call, a stale describe: the next try ends where an undisturbed one does."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

from pg_cdc.failures import NotYet
from pg_cdc.operators.dms.resources import EnsureEndpointOperator, EnsureSubnetGroupOperator
from pg_cdc.operators.dms.streaming import WaitStreamingOperator
from pg_cdc.operators.dms.task import EnsureTaskOperator, StartTaskOperator, WaitFullLoadOperator
from tests.shell.dms.test_dms_task_steps import starts


def until_done(world, operator, **kwargs):
    """Run a step as Airflow's retries would."""
    for _ in range(4):
        try:
            return world.run(operator, **kwargs)
        except (ClientError, NotYet):
            continue
    return world.run(operator, **kwargs)


def test_an_endpoint_whose_creation_was_not_answered_is_made_once(world, sandbox, no_calls):
    sandbox.faults.switch_on("timeout-after-effect", service="dms", action="CreateEndpoint")

    until_done(world, EnsureEndpointOperator, end="source")

    made = [call for call in sandbox.log if call.action == "CreateEndpoint" and not call.error]
    assert sum(call.parameters["EndpointIdentifier"] == f"{world.name}-source" for call in made) == 1
    with no_calls():
        assert world.run(EnsureEndpointOperator, end="source")["changes"] == []


def test_a_task_whose_creation_was_not_answered_is_made_once(ready, sandbox, no_calls):
    sandbox.faults.switch_on("timeout-after-effect", service="dms", action="CreateReplicationTask")

    until_done(ready, EnsureTaskOperator)

    with no_calls():
        assert ready.run(EnsureTaskOperator)["changes"] == []


def test_a_start_that_was_not_answered_is_not_sent_twice(ready, sandbox):
    ready.run(EnsureTaskOperator)
    sandbox.faults.switch_on("timeout-after-effect", service="dms", action="StartReplicationTask")

    until_done(ready, StartTaskOperator)
    ready.run(WaitFullLoadOperator)

    assert starts(ready) == ["start-replication"]
    assert ready.sql("target", "select count(*) from shop.orders") == [(200,)]


@pytest.mark.parametrize(
    "action", ["CreateEndpoint", "DescribeEndpoints", "ListTagsForResource"], ids=lambda action: f"{action}-throttled"
)
def test_a_throttled_call_is_left_to_retries(world, sandbox, action, no_calls):
    sandbox.faults.switch_on("throttle", service="dms", action=action, calls=6)

    until_done(world, EnsureEndpointOperator, end="target")

    with no_calls():
        assert world.run(EnsureEndpointOperator, end="target")["changes"] == []


def test_a_server_error_is_left_to_retries(world, sandbox, no_calls):
    sandbox.faults.switch_on("server-error", service="dms", action="CreateReplicationSubnetGroup", calls=6)

    until_done(world, EnsureSubnetGroupOperator)

    with no_calls():
        assert world.run(EnsureSubnetGroupOperator)["changes"] == []


def test_a_stale_describe_starts_nothing_twice(ready, sandbox):
    ready.run(EnsureTaskOperator)
    sandbox.faults.switch_on("stale-describe", service="dms", action="DescribeReplicationTasks", calls=3)

    until_done(ready, StartTaskOperator)
    until_done(ready, WaitFullLoadOperator)

    assert starts(ready) == ["start-replication"]


def test_a_crash_after_each_call_ends_where_an_undisturbed_run_does(ready, sandbox):
    """Whatever call of the last steps loses its answer, running the steps again brings the stream."""
    for action in ("CreateReplicationTask", "StartReplicationTask", "DescribeTableStatistics"):
        sandbox.faults.switch_on("timeout-after-effect", service="dms", action=action)

    for operator in (EnsureTaskOperator, StartTaskOperator, WaitFullLoadOperator, WaitStreamingOperator):
        until_done(ready, operator)

    assert ready.task()["Status"] == "running"
    assert starts(ready) == ["start-replication"]


def test_a_missing_vpc_role_is_left_to_retries_with_the_role_named(world, sandbox, monkeypatch):
    iam = sandbox.client("iam")
    iam.delete_role(RoleName="dms-vpc-role")
    try:
        with pytest.raises(NotYet, match="dms-vpc-role"):
            world.run(EnsureSubnetGroupOperator)
    finally:
        iam.create_role(RoleName="dms-vpc-role", AssumeRolePolicyDocument="{}", Path="/service-role/")

    assert world.run(EnsureSubnetGroupOperator)["changes"]
