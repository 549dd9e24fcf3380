"""Any AWS client can use the sandbox: the amazon provider and the AWS CLI."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def instance(make_instance):
    return make_instance("clients")


def test_the_providers_hook_waits_for_an_instance(aws_conn, instance):
    from airflow.providers.amazon.aws.hooks.rds import RdsHook

    hook = RdsHook(aws_conn_id=aws_conn)

    assert hook.get_db_instance_state("clients") == "available"
    hook.wait_for_db_instance_state("clients", "available", check_interval=1, max_attempts=5)


def test_the_providers_sensor_sees_the_state(aws_conn, instance):
    from airflow.providers.amazon.aws.sensors.rds import RdsDbSensor

    sensor = RdsDbSensor(task_id="x", db_identifier="clients", target_statuses=["available"], aws_conn_id=aws_conn)

    assert sensor.poke({}) is True


@pytest.mark.exhaustive
def test_the_providers_operators_create_stop_start_and_delete(sandbox, aws_conn):
    from airflow.providers.amazon.aws.operators.rds import (
        RdsCreateDbInstanceOperator,
        RdsDeleteDbInstanceOperator,
        RdsStartDbOperator,
        RdsStopDbOperator,
    )

    quick = {"aws_conn_id": aws_conn, "waiter_delay": 1, "waiter_max_attempts": 30}
    RdsCreateDbInstanceOperator(
        task_id="create", db_instance_identifier="clients-op", db_instance_class="db.t3.small", engine="postgres",
        rds_kwargs={"MasterUsername": "postgres", "MasterUserPassword": "long-enough-1"}, **quick,
    ).execute({})  # fmt: skip
    assert sandbox.rds.instances["clients-op"].server.pid

    RdsStopDbOperator(task_id="stop", db_identifier="clients-op", **quick).execute({})
    assert sandbox.rds.instances["clients-op"].server.pid is None
    RdsStartDbOperator(task_id="start", db_identifier="clients-op", **quick).execute({})

    RdsDeleteDbInstanceOperator(
        task_id="delete", db_instance_identifier="clients-op", rds_kwargs={"SkipFinalSnapshot": True}, **quick
    ).execute({})
    assert "clients-op" not in sandbox.rds.instances


def test_the_aws_cli_describes_and_changes(sandbox, instance):
    group = aws(sandbox, "create-db-parameter-group", "--db-parameter-group-name", "clients-cli",
                "--db-parameter-group-family", "postgres15", "--description", "x")  # fmt: skip
    aws(sandbox, "modify-db-parameter-group", "--db-parameter-group-name", "clients-cli", "--parameters",
        "ParameterName=statement_timeout,ParameterValue=5000,ApplyMethod=immediate")  # fmt: skip
    described = aws(sandbox, "describe-db-parameters", "--db-parameter-group-name", "clients-cli", "--source", "user")

    assert group["DBParameterGroup"]["DBParameterGroupName"] == "clients-cli"
    assert [one["ParameterName"] for one in described["Parameters"]] == ["statement_timeout"]


def aws(sandbox, *arguments):
    program = Path(sys.executable).with_name("aws")
    environment = {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x", "AWS_DEFAULT_REGION": sandbox.region}
    done = subprocess.run(
        [program, "--endpoint-url", sandbox.endpoint_url, "--output", "json", "rds", *arguments],
        capture_output=True, text=True, env={**os.environ, **environment},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
