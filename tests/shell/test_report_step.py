"""The report is written whatever happened, wherever it is asked for, and counts what is there."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk import DAG
from airflow.sdk.exceptions import AirflowFailException

from pg_cdc.failures import SpecInvalid, StepFailed
from pg_cdc.operators.base import CdcOperator
from pg_cdc.operators.report import ReportOperator

SPEC = {
    "name": "told",
    "source": {"identifier": "report-source"},
    "target": {"identifier": "report-target"},
    "replication": {"subnet_ids": ["a", "b"]},
}
AWKWARD = '''
create schema shop;
create table shop."Größe ""1""" (id int primary key);
insert into shop."Größe ""1""" select generate_series(1, 7);
create table shop.empty (id int primary key);
create table shop.large (id int primary key);
insert into shop.large select generate_series(1, 100);
analyze shop.large;
'''


class Other(CdcOperator):
    """A step before the report."""

    def step(self, migration, context):
        raise AssertionError("not run here")


class TaskInstance:
    """A run as Airflow would tell of it."""

    dag_id = "d"
    run_id = "r"

    def __init__(self, states: dict[str, str], left: dict[tuple[str, str], Any]) -> None:
        self.states = states
        self.left = left
        self.start_date = datetime.now(UTC)
        self.pushed: dict[str, Any] = {}

    def get_task_states(self, *, dag_id: str, run_ids: list[str]) -> dict[str, dict[str, str]]:
        return {"r": self.states}

    def get_task_breadcrumbs(self, dag_id: str, run_id: str) -> list[dict[str, Any]]:
        return [{"task_id": task_id, "duration": 1.26} for task_id in self.states]

    def xcom_pull(self, *, task_ids: str, key: str, map_indexes: int) -> Any:
        return self.left.get((task_ids, key))

    def xcom_push(self, key: str, value: Any) -> None:
        self.pushed[key] = value


def report(tmp_path: Path, states: dict[str, str], left: dict | None = None, **spec: Any):
    """Run the report of a DAG of these tasks, and return what it raised, what it wrote, and the task instance."""
    with DAG("d", schedule=None) as dag:
        operator = ReportOperator(task_id="report", migration={**SPEC, **spec}, destination=str(tmp_path))
        previous = operator
        for task_id in reversed(states):
            task = Other(task_id=task_id)
            task >> previous
            previous = task
    ti = TaskInstance(states, left or {})
    raised = None
    try:
        operator.execute({"ti": ti, "dag": dag, "params": {}})
    except AirflowFailException as failure:
        raised = failure.__cause__
    written = json.loads((tmp_path / "latest.json").read_text())
    return raised, written, ti


@pytest.fixture(autouse=True)
def connections(aws_conn):
    """No end of the migration exists, unless a test makes one."""


def test_a_failed_step_is_named_and_the_report_fails_too(tmp_path):
    finding = {"kind": "Differs", "found": "a", "expected": "b", "next": "c"}

    states = {"plan": "success", "ensure_task": "failed", "start_task": "upstream_failed"}
    raised, written, ti = report(tmp_path, states, {("ensure_task", "failure"): finding})

    assert isinstance(raised, StepFailed)
    assert written["status"] == "failed"
    assert written["failure"] == {"step": "ensure_task", "reason": "found a; expected b; next c"}
    assert "ensure_task" in ti.pushed["failure"]["found"]


def test_what_cannot_be_read_is_a_warning_and_no_end(tmp_path):
    _, written, _ = report(tmp_path, {"inspect_source": "failed"})

    assert any("could not read the source" in warning for warning in written["warnings"])
    assert written["source"]["identifier"] == "report-source"


def test_a_planned_run_is_green_and_keeps_its_plan(tmp_path):
    left = {("plan", "return_value"): {"facts": {"markdown": "# The plan"}, "warnings": ["mind the gap"]}}

    raised, written, _ = report(tmp_path, {"plan": "success", "take_lease": "skipped"}, left, safety={"dry_run": True})

    assert raised is None
    assert (written["status"], written["plan"]) == ("planned", "# The plan")
    assert "mind the gap" in written["warnings"]
    assert (tmp_path / "told.md").read_text().endswith("# The plan\n")


def test_a_rejected_run_is_green_and_says_rejected(tmp_path):
    left = {("approve_plan", "return_value"): {"facts": {"approval": "rejected"}}}

    raised, written, _ = report(tmp_path, {"approve_plan": "success", "take_lease": "skipped"}, left)

    assert raised is None
    assert written["status"] == "rejected"


def test_steps_come_in_the_order_of_the_dag_with_their_seconds(tmp_path):
    _, written, _ = report(tmp_path, {"plan": "success", "approve_plan": "failed"})

    assert written["steps"] == [
        {"task_id": "plan", "state": "success", "seconds": 1.3},
        {"task_id": "approve_plan", "state": "failed", "seconds": 1.3},
    ]


def test_the_same_is_written_under_the_name_of_the_migration(tmp_path):
    report(tmp_path, {"plan": "failed"})

    assert {file.name for file in tmp_path.iterdir()} == {"latest.json", "latest.md", "told.json", "told.md"}
    assert (tmp_path / "told.json").read_text() == (tmp_path / "latest.json").read_text()


def test_the_place_may_be_a_url(tmp_path, monkeypatch):
    monkeypatch.setenv("PG_CDC_REPORTS", f"file://{tmp_path}/by/url")
    operator = ReportOperator(task_id="report", migration=SPEC)

    with pytest.raises(AirflowFailException):
        operator.execute({"params": {}})

    assert (tmp_path / "by" / "url" / "latest.json").exists()


def test_a_spec_that_cannot_be_read_is_reported_under_no_name_of_its_own(tmp_path):
    operator = ReportOperator(task_id="report", destination=str(tmp_path))

    with pytest.raises(AirflowFailException) as failed:
        operator.execute({"params": {"name": "../../evil"}})

    assert isinstance(failed.value.__cause__, SpecInvalid)
    assert {file.name for file in tmp_path.iterdir()} == {"latest.json", "latest.md"}
    assert json.loads((tmp_path / "latest.json").read_text())["failure"]["step"] == "spec"


@pytest.fixture(scope="module")
def counted(make_instance):
    server = make_instance("report-counts")
    with server.connect() as conn:
        conn.execute(AWKWARD)
    return server


def test_rows_are_counted_in_tables_of_any_name_and_not_in_those_that_are_not_there(counted):
    from pg_cdc.facts.row_counts import count_rows

    names = [("shop", 'Größe "1"'), ("shop", "empty"), ("shop", "gone")]
    with counted.connect() as conn:
        assert count_rows(conn, names, estimated=frozenset()) == {names[0]: 7, names[1]: 0}


def test_a_large_table_is_estimated(counted, monkeypatch):
    from pg_cdc.facts import row_counts

    monkeypatch.setattr(row_counts, "COUNTED_ROWS", 99)
    names = [("shop", "large"), ("shop", "empty")]
    with counted.connect() as conn:
        large = row_counts.too_large(conn, names)
        assert large == {("shop", "large")}
        assert row_counts.count_rows(conn, names, estimated=large) == {names[0]: 100, names[1]: 0}


def test_many_tables_are_counted_in_few_queries(counted, monkeypatch):
    from pg_cdc.facts import row_counts

    monkeypatch.setattr(row_counts, "TABLES_PER_QUERY", 2)
    names = [("shop", 'Größe "1"'), ("shop", "empty"), ("shop", "large")]
    with counted.connect() as conn:
        assert list(row_counts.count_rows(conn, names, estimated=frozenset()).values()) == [7, 0, 100]
