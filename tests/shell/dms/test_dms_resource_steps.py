"""Subnet group, instance, endpoints, connections: found, adopted, repaired or refused; and why in plain words."""

from __future__ import annotations

import pytest
from airflow.sdk.exceptions import AirflowFailException

from pg_cdc.failures import Differs, DmsFailed, NotOurs
from pg_cdc.operators.dms.resources import (
    EnsureEndpointOperator,
    EnsureReplicationInstanceOperator,
    EnsureSubnetGroupOperator,
    TestConnectionOperator,
)
from tests.shell.dms.conftest import ROLE_PASSWORD


def refused(world, operator, kind, **kwargs) -> str:
    with pytest.raises(AirflowFailException) as failure:
        world.run(operator, **kwargs)
    assert isinstance(failure.value.__cause__, kind)
    return str(failure.value)


def endpoint(world, end: str = "source") -> dict:
    row = world.hook.endpoint(f"{world.name}-{end}")
    assert row is not None
    return row


def make_foreign_endpoint(world, **change) -> None:
    """Make an endpoint of our name without our tag."""
    world.dms.create_endpoint(
        **{
            "EndpointIdentifier": f"{world.name}-source",
            "EndpointType": "source",
            "EngineName": "aurora-postgresql",
            "ServerName": "localhost",
            "Port": world.source.port,
            "DatabaseName": world.spec["source"]["database"],
            "Username": "app_dms",
            "Password": ROLE_PASSWORD,
            "SslMode": "require",
            **change,
        }
    )


def test_the_subnets_are_those_of_the_source(world):
    facts = world.run(EnsureSubnetGroupOperator)["facts"]

    assert len(facts["subnets"]) >= 2


def test_other_subnets_are_put_right(world, no_calls):
    subnets = world.run(EnsureSubnetGroupOperator)["facts"]["subnets"]
    world.spec["replication"] |= {"subnet_ids": subnets[:2]}

    changed = world.run(EnsureSubnetGroupOperator)

    assert sorted(changed["facts"]["subnets"]) == sorted(subnets[:2])
    with no_calls():
        assert world.run(EnsureSubnetGroupOperator)["changes"] == []


def test_subnets_of_one_zone_are_refused_with_the_cure(world):
    subnets = world.run(EnsureSubnetGroupOperator)["facts"]["subnets"]
    world.dms.delete_replication_subnet_group(ReplicationSubnetGroupIdentifier=world.name)
    world.spec["replication"] |= {"subnet_ids": subnets[:1]}

    told = refused(world, EnsureSubnetGroupOperator, DmsFailed)

    assert subnets[0] in told
    assert "replication.subnet_ids" in told


def test_a_subnet_group_that_is_not_ours_is_not_touched(world, no_calls):
    subnets = world.run(EnsureSubnetGroupOperator)["facts"]["subnets"]
    world.dms.delete_replication_subnet_group(ReplicationSubnetGroupIdentifier=world.name)
    world.dms.create_replication_subnet_group(
        ReplicationSubnetGroupIdentifier=world.name, ReplicationSubnetGroupDescription="theirs", SubnetIds=subnets
    )

    with no_calls():
        assert "adopt_existing" in refused(world, EnsureSubnetGroupOperator, NotOurs)

    world.spec["safety"] = {"adopt_existing": True}
    assert "tagged" in world.run(EnsureSubnetGroupOperator)["changes"][0]
    with no_calls():
        assert world.run(EnsureSubnetGroupOperator)["changes"] == []


def test_a_given_instance_is_used_and_neither_tagged_nor_put_in_a_subnet_group(world, no_calls):
    world.share_instance()
    world.run(EnsureReplicationInstanceOperator)

    with no_calls():
        assert "not asked for" in world.run(EnsureSubnetGroupOperator)["facts"]["subnet_group"]
        assert world.run(EnsureReplicationInstanceOperator)["changes"] == []
    assert world.hook.tags(world.hook.instance("shared-by-tests")["ReplicationInstanceArn"]) == {}


def test_a_given_instance_that_is_not_there_is_refused(world):
    world.spec["replication"] |= {"instance_identifier": "nobody-made-this"}

    assert "nobody-made-this" in refused(world, EnsureReplicationInstanceOperator, DmsFailed)


def test_an_instance_is_private_and_grows_while_idle(world, no_calls):
    world.run(EnsureSubnetGroupOperator)
    world.run(EnsureReplicationInstanceOperator)
    assert world.hook.instance(world.name)["PubliclyAccessible"] is False
    world.spec["replication"] |= {"allocated_storage_gb": 60}

    changes = world.run(EnsureReplicationInstanceOperator)["changes"]

    assert "allocated_storage_gb is 50, the spec wants 60" in changes[0]
    assert world.hook.instance(world.name)["AllocatedStorage"] == 60
    with no_calls():
        assert world.run(EnsureReplicationInstanceOperator)["changes"] == []


def test_an_endpoint_that_is_not_ours_is_not_touched_until_it_may_be_adopted(world, no_calls):
    make_foreign_endpoint(world)

    with no_calls():
        assert "adopt_existing" in refused(world, EnsureEndpointOperator, NotOurs, end="source")

    world.spec["safety"] = {"adopt_existing": True}
    changes = world.run(EnsureEndpointOperator, end="source")["changes"]

    assert "tagged" in changes[0]
    assert "HeartbeatEnable" in changes[1]
    assert endpoint(world)["PostgreSQLSettings"]["DdlArtifactsSchema"] == "dms_replication"
    with no_calls():
        assert world.run(EnsureEndpointOperator, end="source")["changes"] == []


def test_settings_that_drifted_are_put_right_without_the_password(world, sandbox, no_calls):
    world.run(EnsureEndpointOperator, end="source")
    world.dms.modify_endpoint(
        EndpointArn=endpoint(world)["EndpointArn"], PostgreSQLSettings={"HeartbeatEnable": False}, SslMode="none"
    )

    changes = world.run(EnsureEndpointOperator, end="source")["changes"]

    assert "HeartbeatEnable is False, the spec wants True" in changes[0]
    assert endpoint(world)["SslMode"] == "require"
    (*_, sent) = [call.parameters for call in sandbox.log if call.action == "ModifyEndpoint"]
    assert sent.keys() == {"EndpointArn", "SslMode", "PostgreSQLSettings"}
    with no_calls():
        assert world.run(EnsureEndpointOperator, end="source")["changes"] == []


def test_an_endpoint_is_never_pointed_at_another_database(world, no_calls):
    world.run(EnsureEndpointOperator, end="target")
    world.spec["target"] |= {"database": "elsewhere"}

    with no_calls():
        told = refused(world, EnsureEndpointOperator, Differs, end="target")

    assert f"copy{world.spec['name'][1:]}" in told
    assert "elsewhere" in told


def test_auto_takes_test_decoding_where_pglogical_is_not_ready(world):
    world.spec["replication"] = {"plugin": "auto"}

    facts = world.run(EnsureEndpointOperator, end="source")["facts"]

    assert facts["settings"]["PluginName"] == "test-decoding"


def test_a_secret_is_named_instead_of_a_login(world, sandbox, no_calls):
    secret = sandbox.client("secretsmanager").create_secret(
        Name=f"{world.name}-secret",
        SecretString=(
            f'{{"username": "app_dms", "password": "{ROLE_PASSWORD}", "host": "localhost",'
            f' "port": {world.source.port}}}'
        ),
    )
    role = "arn:aws:iam::123456789012:role/dms-secret"
    world.spec["dms_role"] = {"secret_arn": secret["ARN"], "secret_access_role_arn": role}
    world.share_instance()
    world.run(EnsureReplicationInstanceOperator)

    world.run(EnsureEndpointOperator, end="source")

    assert endpoint(world)["PostgreSQLSettings"]["SecretsManagerSecretId"] == secret["ARN"]
    assert "Username" not in endpoint(world)
    with no_calls():
        assert world.run(EnsureEndpointOperator, end="source")["changes"] == []
    assert world.run(TestConnectionOperator, end="source")["facts"]["connection"] == "successful"


def test_a_login_gives_way_to_a_secret(world, sandbox, no_calls):
    world.run(EnsureEndpointOperator, end="source")
    secret = sandbox.client("secretsmanager").create_secret(Name=f"{world.name}-late", SecretString="{}")
    role = "arn:aws:iam::123456789012:role/dms-secret"
    world.spec["dms_role"] = {"secret_arn": secret["ARN"], "secret_access_role_arn": role}

    changes = world.run(EnsureEndpointOperator, end="source")["changes"]

    assert "secret_arn" in changes[0]
    assert "Username" not in endpoint(world)
    with no_calls():
        assert world.run(EnsureEndpointOperator, end="source")["changes"] == []


def test_a_connection_that_works_is_not_tested_again(ready, sandbox):
    before = sum(call.action == "TestConnection" for call in sandbox.log)

    again = ready.run(TestConnectionOperator, end="source")

    assert again["facts"]["connection"] == "successful"
    assert sum(call.action == "TestConnection" for call in sandbox.log) == before


def test_a_wrong_password_is_told_then_given_again_once_it_is_right(world, admin_conn, no_calls, caplog):
    caplog.set_level("DEBUG", logger="airflow")
    world.share_instance()
    world.run(EnsureReplicationInstanceOperator)
    admin_conn(world.source, "pg_cdc_dms_role", login="app_dms", password="not-the-Passw0rd")
    world.run(EnsureEndpointOperator, end="source")

    told = refused(world, TestConnectionOperator, DmsFailed, end="source")
    assert "password authentication failed" in told
    assert "pg_cdc_dms_role" in told

    admin_conn(world.source, "pg_cdc_dms_role", login="app_dms", password=ROLE_PASSWORD)
    with no_calls():
        assert world.run(EnsureEndpointOperator, end="source")["changes"] == []
    changes = world.run(TestConnectionOperator, end="source")["changes"]

    assert "gave endpoint" in changes[0]
    with no_calls():
        assert world.run(TestConnectionOperator, end="source")["changes"] == []
    assert ROLE_PASSWORD not in caplog.text + told
    assert "not-the-Passw0rd" not in caplog.text + told


def test_a_failed_test_is_made_again_once_and_only_once(world, admin_conn, sandbox):
    world.share_instance()
    world.run(EnsureReplicationInstanceOperator)
    admin_conn(world.source, "pg_cdc_dms_role", login="app_dms", password="not-the-Passw0rd")
    world.run(EnsureEndpointOperator, end="source")
    refused(world, TestConnectionOperator, DmsFailed, end="source")
    before = sum(call.action == "TestConnection" for call in sandbox.log)

    refused(world, TestConnectionOperator, DmsFailed, end="source")

    assert sum(call.action == "TestConnection" for call in sandbox.log) == before + 1


def test_after_a_deferral_a_failed_test_is_the_answer(world, admin_conn, sandbox):
    world.share_instance()
    world.run(EnsureReplicationInstanceOperator)
    admin_conn(world.source, "pg_cdc_dms_role", login="app_dms", password="not-the-Passw0rd")
    world.run(EnsureEndpointOperator, end="source")
    refused(world, TestConnectionOperator, DmsFailed, end="source")
    before = sum(call.action == "TestConnection" for call in sandbox.log)
    resumed = world.step(TestConnectionOperator, end="source")

    with pytest.raises(AirflowFailException, match="password authentication failed"):
        resumed.resume_after_test({"params": {}}, {"end": "done"})

    assert sum(call.action == "TestConnection" for call in sandbox.log) == before


def test_a_test_without_an_endpoint_says_which_step_to_clear(world):
    world.share_instance()
    world.run(EnsureReplicationInstanceOperator)

    assert "clear ensure_target_endpoint" in refused(world, TestConnectionOperator, DmsFailed, end="target")
