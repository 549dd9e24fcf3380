"""The whole teardown and its sweep, run in this process against the sandbox: planned, done, done again, unchecked."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from airflow.dag_processing.dagbag import DagBag

from pg_cdc.operators.dms.resources import EnsureEndpointOperator
from pg_cdc.operators.lease import ReleaseLeaseOperator, TakeLeaseOperator
from pg_cdc.operators.source.bootstrap import EnsureDmsRoleOperator, InstallDdlAuditOperator

pytestmark = pytest.mark.usefixtures("airflow_database")
ROOT = Path(__file__).resolve().parents[2]
LOOKS = {"inspect_residue", "stop_if_dry_run", "release_lease", "residue_report"}


def parsed(name: str) -> Any:
    """Return the DAG as a new process would parse it: a run leaves its params in the DAG object."""
    return DagBag(dag_folder=str(ROOT / "dags" / f"{name}.py")).dags[f"pg_cdc_{name}"]


@pytest.fixture(scope="module")
def source(make_instance):
    return make_instance("razed")


@pytest.fixture
def spec(source, sandbox, aws_conn, admin_conn, tmp_path, monkeypatch) -> dict[str, Any]:
    """A migration that stopped after a few steps, which leave something in AWS and in the source."""
    admin_conn(source, "pg_cdc_source")
    admin_conn(source, "pg_cdc_target")
    admin_conn(source, "pg_cdc_dms_role", login="app_dms", password="app-dms-Passw0rd")
    monkeypatch.setenv("PG_CDC_REPORTS", str(tmp_path / "reports"))
    spec = {
        "name": "razed",
        "aws": {"region": sandbox.region},
        "source": {"identifier": source.identifier, "database": "shop"},
        "target": {"identifier": source.identifier, "database": "postgres"},
        "tables": {"rules": [{"schema": "%", "table": "%"}]},
        "replication": {"plugin": "test_decoding"},
        "safety": {"expires_at": "2020-01-01"},
        "timeouts": {"poll_seconds": 1},
    }
    for step, options in (
        (TakeLeaseOperator, {}),
        (EnsureDmsRoleOperator, {}),
        (InstallDdlAuditOperator, {}),
        (EnsureEndpointOperator, {"end": "source"}),
        (ReleaseLeaseOperator, {}),
    ):
        step(task_id="step", migration=spec, patience_seconds=60, **options).execute({"params": {}})
    return spec


@pytest.fixture
def teardown(spec, tmp_path):
    """Return a function that runs the DAG and returns its task states and its report."""

    def go(**conf: Any) -> tuple[dict[str, str], dict[str, Any]]:
        params = {
            "name": "razed",
            "source_identifier": spec["source"]["identifier"],
            "target_identifier": spec["target"]["identifier"],
            "target_database": "postgres",
            "timeouts_poll_seconds": 1,
            **conf,
        }
        ran = parsed("teardown").test(run_conf=params)
        states = {ti.task_id: ti.state for ti in ran.get_task_instances()}
        return states, json.loads((tmp_path / "reports" / "teardown-razed.json").read_text())

    return go


def states_of(states: dict[str, str], wanted: str) -> set[str]:
    return {task_id for task_id, state in states.items() if state == wanted}


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_dry_first_then_down_and_the_second_time_nothing_is_done(teardown, mutating_calls, monkeypatch):
    with mutating_calls() as calls:
        states, report = teardown()
    assert states_of(states, "success") == LOOKS
    assert states_of(states, "skipped") == set(states) - LOOKS
    assert report["status"] == "planned"
    assert calls == []

    states, report = teardown(teardown_dry_run=False)
    assert states_of(states, "success") == set(states)
    assert report["status"] == "clean"
    assert report["counts"]["left"] == 0

    with mutating_calls() as calls:
        states, report = teardown(teardown_dry_run=False)
    assert states_of(states, "success") == LOOKS
    assert report["status"] == "clean"
    assert calls == []

    monkeypatch.delenv("AIRFLOW_CONN_PG_CDC_SOURCE")
    states, report = teardown(teardown_dry_run=False)
    assert states_of(states, "failed") == {"residue_report"}
    assert report["status"] == "failed"
    assert report["counts"]["could not check"] > 0


@pytest.mark.slow
def test_the_sweep_asks_for_a_teardown_of_what_is_past_its_time(spec, tmp_path, monkeypatch, teardown):
    (tmp_path / "razed.yaml").write_text(yaml.safe_dump(spec))
    monkeypatch.setattr("pg_cdc.spec.migrations_directory", lambda: tmp_path)
    asked: list[Any] = []
    monkeypatch.setattr(
        "pg_cdc.operators.teardown.sweep.TriggerTeardownOperator.step",
        lambda self, migration, context: asked.append((self.due, context["run_id"])) or outcome(),
    )

    states = {ti.task_id: ti.state for ti in parsed("teardown_sweep").test().get_task_instances()}

    assert set(states.values()) == {"success"}
    assert [due["spec_file"] for due, _ in asked] == ["razed.yaml"]
    teardown(teardown_dry_run=False)

    states = {ti.task_id: ti.state for ti in parsed("teardown_sweep").test().get_task_instances()}
    assert states == {"find_expired": "success", "trigger_teardown": "skipped", "report": "success"}


def outcome() -> Any:
    from pg_cdc.decisions.outcome import Outcome

    return Outcome(changes=("asked",))
