"""The whole DAG, run in this process against the sandbox: planned, refused, rejected, streaming, and run again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from airflow.dag_processing.dagbag import DagBag

pytestmark = pytest.mark.usefixtures("airflow_database")
ROOT = Path(__file__).resolve().parents[2]
SHOP = """
create schema shop;
create table shop.customers (id bigint primary key, name varchar(40));
create table shop.orders (id bigint, placed date, primary key (id, placed)) partition by range (placed);
create table shop.orders_2026 partition of shop.orders for values from ('2026-01-01') to ('2027-01-01');
insert into shop.customers select n, 'customer ' || n from generate_series(1, 50) as n;
insert into shop.orders select n, '2026-05-05' from generate_series(1, 200) as n;
"""
BEFORE_CHANGES = {"inspect_source", "preflight", "plan", "stop_if_dry_run"}
ALWAYS = {"release_lease", "report"}


def parsed():
    """Return the DAG as a new process would parse it: a run leaves its params in the DAG object."""
    return DagBag(dag_folder=str(ROOT / "dags" / "migrate.py")).dags["pg_cdc_migrate"]


@pytest.fixture(scope="module")
def ends(make_cluster):
    source, target = make_cluster("run-source", readers=1), make_cluster("run-target")
    with source.connect() as conn:
        conn.execute(SHOP)
    return source, target


@pytest.fixture
def run(ends, aws_conn, admin_conn, sandbox, tmp_path, monkeypatch):
    """Return a function that runs the DAG and returns its task states and its report."""
    source, target = ends
    admin_conn(source, "pg_cdc_source")
    admin_conn(target, "pg_cdc_target")
    login = {"conn_type": "postgres", "login": "app_dms", "password": "app-dms-Passw0rd"}
    monkeypatch.setenv("AIRFLOW_CONN_PG_CDC_DMS_ROLE", json.dumps(login))
    monkeypatch.setenv("PG_CDC_REPORTS", str(tmp_path / "reports"))

    def go(**conf: Any) -> tuple[dict[str, str], dict[str, Any], str]:
        params = {
            "name": "run",
            "source_identifier": source.identifier,
            "target_identifier": target.identifier,
            "replication_subnet_ids": subnets(sandbox),
            "timeouts_poll_seconds": 1,
            **conf,
        }
        ran = parsed().test(run_conf=params)
        states = {ti.task_id: ti.state for ti in ran.get_task_instances()}
        text = (tmp_path / "reports" / "latest.md").read_text()
        return states, json.loads((tmp_path / "reports" / "latest.json").read_text()), text

    return go


def subnets(sandbox) -> list[str]:
    ec2 = sandbox.client("ec2")
    found = ec2.describe_subnets()["Subnets"]
    zones = {subnet["AvailabilityZone"]: subnet["SubnetId"] for subnet in found}
    return list(zones.values())[:2]


def states_of(states: dict[str, str], wanted: str) -> set[str]:
    return {task_id for task_id, state in states.items() if state == wanted}


def test_a_dry_run_plans_and_changes_nothing(run, mutating_calls):
    with mutating_calls() as calls:
        states, report, text = run(safety_dry_run=True)

    assert states_of(states, "success") == BEFORE_CHANGES | ALWAYS
    assert states_of(states, "skipped") == set(states) - BEFORE_CHANGES - ALWAYS
    assert report["status"] == "planned"
    assert "rds.logical_replication" in text
    assert calls == []


def test_a_run_that_is_refused_is_red_and_its_report_says_where_and_why(run, mutating_calls):
    with mutating_calls() as calls:
        states, report, text = run(tables_rules=[{"schema": "nowhere", "table": "%"}])

    assert states_of(states, "failed") == {"preflight", "report"}
    assert report["status"] == "failed"
    assert report["failure"]["step"] == "preflight"
    assert "no_table_matches" in report["failure"]["reason"]
    assert "Stopped at `preflight`" in text
    assert calls == []


def test_a_spec_that_cannot_be_read_is_reported_too(run):
    states, report, _ = run(target_identifier="run-source")

    assert {"inspect_source", "report"} <= states_of(states, "failed")
    assert report["failure"]["step"] == "spec"
    assert "the source itself" in report["failure"]["reason"]


@pytest.mark.slow
@pytest.mark.exhaustive
@pytest.mark.timeout(1200)
def test_a_run_ends_in_a_proved_stream_and_a_second_one_changes_nothing(run, mutating_calls, results_place):
    bucket, role = results_place
    states, report, text = run(assessment_bucket=bucket, assessment_service_access_role_arn=role)

    assert states_of(states, "success") == set(states), report.get("failure")
    assert report["status"] == "streaming"
    assert {(t["table"], t["source_rows"], t["target_rows"]) for t in report["tables"]} == {
        ("customers", 50, 50),
        ("orders_2026", 200, 200),
    }
    assert report["slot"]["active"] is True
    assert report["marker"]["seconds"] >= 0
    assert {row["name"] for row in report["parameters"]} >= {"rds.logical_replication", "max_worker_processes"}
    assert {row["instance"] for row in report["reboots"]} == {"run-source-1", "run-source-2"}
    assert report["steps"][0]["task_id"] == "inspect_source"
    assert {row["status"] for row in report["assessment"]["individual"]} <= {"passed", "skipped", "warning"}
    assert "s3://assessments/pg-cdc" in text

    with mutating_calls() as calls:
        states, report, _ = run()

    assert states_of(states, "success") == set(states), report.get("failure")
    assert report["status"] == "streaming"
    assert [call.action for call in calls] == []
