"""Whatever speaks AWS can use it: the amazon provider's operators and sensors, the CLI, and a plain DMS role."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from tests.sandbox.dms_lab import eventually

TABLE = "create table t (id int primary key, v text); insert into t values (1, 'a')"
ROLE = "a-dms-Passw0rd"


def test_the_providers_operators_work(lab, aws_conn):
    from airflow.providers.amazon.aws.operators.dms import (
        DmsDescribeTasksOperator,
        DmsStartTaskOperator,
        DmsStopTaskOperator,
    )

    task = lab.task(TABLE)
    filters = [{"Name": "replication-task-arn", "Values": [task.arn]}]
    DmsStartTaskOperator(task_id="start", replication_task_arn=task.arn).execute({})
    task.until_loaded()
    _, found = DmsDescribeTasksOperator(task_id="describe", describe_tasks_kwargs={"Filters": filters}).execute({})
    DmsStopTaskOperator(task_id="stop", replication_task_arn=task.arn).execute({})

    assert found[0]["Status"] == "running"
    task.until("stopped")


def test_the_providers_sensor_sees_a_finished_load(lab, aws_conn):
    from airflow.providers.amazon.aws.sensors.dms import DmsTaskCompletedSensor

    task = lab.task(TABLE, kind="full-load")
    sensor = DmsTaskCompletedSensor(task_id="wait", replication_task_arn=task.arn)
    task.start()
    task.until("running", "stopped")

    eventually(lambda: sensor.poke({}))


def test_the_aws_cli_reads_table_statistics(lab):
    task = lab.task(TABLE, kind="full-load")
    task.start()
    task.until("stopped")
    environment = {
        **os.environ,
        "AWS_ACCESS_KEY_ID": "sandbox",
        "AWS_SECRET_ACCESS_KEY": "sandbox",
        "AWS_DEFAULT_REGION": lab.sandbox.region,
        "AWS_ENDPOINT_URL": lab.sandbox.endpoint_url,
    }
    command = ["dms", "describe-table-statistics", "--replication-task-arn", task.arn, "--output", "json"]
    answer = subprocess.run(
        [sys.executable, "-m", "awscli", *command], env=environment, capture_output=True, text=True, check=True
    )

    assert json.loads(answer.stdout)["TableStatistics"][0]["FullLoadRows"] == 1


@pytest.mark.parametrize("plugin", ["test-decoding", "pglogical"])
def test_a_plain_role_with_the_documented_grants_is_enough(lab, plugin):
    with lab.source.connect("postgres") as connection:
        if not connection.execute("select 1 from pg_roles where rolname = 'dms'").fetchone():
            connection.execute(f"create role dms login password '{ROLE}' in role rds_superuser, rds_replication")
    eventually(lambda: _replicates(lab))
    heartbeat = {"HeartbeatEnable": True, "HeartbeatSchema": "dms", "HeartbeatFrequency": 1, "PluginName": plugin}
    schema = TABLE + "; create schema dms authorization dms; grant select on t to dms"
    task = lab.task(schema, user="dms", password=ROLE, source_settings=heartbeat)
    if plugin == "pglogical":
        task.source.execute("create extension pglogical; grant usage on schema pglogical to dms")
    task.start()
    task.until_loaded()
    task.source.execute("insert into t values (2, 'b')")
    task.until_drained()

    assert task.target.execute("select count(*) from t").fetchone() == (2,)
    task.stop()
    task.delete()
    assert task.slots() == []


def _replicates(lab) -> bool:
    with lab.source.connect("postgres") as connection:
        return connection.execute("select rolreplication from pg_roles where rolname = 'dms'").fetchone() == (True,)


def test_tasks_of_one_instance_run_side_by_side_and_tell_their_own_numbers(lab):
    tasks = [lab.task(f"create table t{n} (id int primary key); insert into t{n} values (1)") for n in range(3)]
    for task in tasks:
        task.start()
    for task in tasks:
        task.until_loaded()

    assert [[key[1] for key in task.tables()] for task in tasks] == [["t0"], ["t1"], ["t2"]]
    assert len({task.slots()[0][0] for task in tasks}) == 3
