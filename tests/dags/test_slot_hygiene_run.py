"""The whole DAG of slot hygiene, run in this process against the sandbox: dry, dropping, old, and half blind."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from airflow.dag_processing.dagbag import DagBag

from pg_cdc.decisions.slots.world import Owner, OwnerKind, SlotRow
from pg_cdc.hooks.slots.book import learn

pytestmark = pytest.mark.usefixtures("airflow_database")
ROOT = Path(__file__).resolve().parents[2]
GONE = "arn:aws:dms:eu-west-1:123456789012:task:DELETEDEXAMPLE"
STEPS = {"list_sources", "check_source", "decide", "approve_drops", "drop_orphans", "raise_alarms", "report"}


def parsed():
    """Return the DAG as a new process would parse it: a run leaves its params in the DAG object."""
    return DagBag(dag_folder=str(ROOT / "dags" / "slot_hygiene.py")).dags["pg_cdc_slot_hygiene"]


@pytest.fixture(scope="module")
def source(sandbox, make_instance):
    rds = sandbox.client("rds")
    rds.create_db_parameter_group(
        DBParameterGroupName="hygiene-run", DBParameterGroupFamily="postgres15", Description="logical"
    )
    rds.modify_db_parameter_group(
        DBParameterGroupName="hygiene-run",
        Parameters=[
            {"ParameterName": "rds.logical_replication", "ParameterValue": "1", "ApplyMethod": "pending-reboot"}
        ],
    )
    return make_instance("hygiene-run", parameter_group="hygiene-run")


@pytest.fixture
def slots(source):
    """One slot of a task that was deleted, and a stranger's beside it."""
    with source.connect() as conn:
        for name in ("abandoned", "strangers"):
            conn.execute("select pg_create_logical_replication_slot(%s, 'test_decoding')", (name,))
        owner = Owner(kind=OwnerKind.DMS_TASK, owner_id=GONE, migration="shop", how="told by a test")
        learn(conn, SlotRow(name="abandoned", slot_type="logical", plugin="test_decoding"), owner)
    yield lambda: slot_names(source)
    with source.connect() as conn:
        conn.execute("select pg_drop_replication_slot(slot_name) from pg_replication_slots")
        conn.execute("drop schema pgcdc cascade")
    with source.connect("postgres") as conn:
        conn.execute("drop schema if exists pgcdc cascade")


def slot_names(source) -> set[str]:
    with source.connect() as conn:
        return {row[0] for row in conn.execute("select slot_name from pg_replication_slots")}


@pytest.fixture
def run(source, aws_conn, admin_conn, tmp_path, monkeypatch):
    """Return a function that runs the DAG, and returns its task states and its report."""
    admin_conn(source, "pg_cdc_source")
    monkeypatch.setenv("PG_CDC_REPORTS", str(tmp_path))
    specs = tmp_path / "specs"
    specs.mkdir()
    monkeypatch.setattr("pg_cdc.spec.migrations_directory", lambda: specs)

    def go(*, at: datetime | None = None, **conf: Any) -> tuple[dict[str, str], dict[str, Any]]:
        params = {"sources": [{"identifier": "hygiene-run", "database": "shop"}], "grace_seconds": 0, **conf}
        ran = parsed().test(run_conf=params, logical_date=at)
        states = {(ti.task_id, ti.rendered_map_index): ti.state for ti in ran.get_task_instances()}
        name = ran.run_id.replace(":", "_")
        report = json.loads((tmp_path / "hygiene" / f"{name}.json").read_text())
        return states, report

    return go


def test_an_orphan_goes_with_the_second_run_and_the_strangers_slot_stays(run, slots):
    states, report = run(dry_run=False)

    assert {task for task, _ in states} == STEPS
    assert ("check_source", "hygiene-run") in states
    assert set(states.values()) == {"success"}, report
    assert report["drops"] == []
    assert slots() == {"abandoned", "strangers"}

    states, report = run(dry_run=False)

    assert set(states.values()) == {"success"}, report
    assert [line["slot"] for line in report["drops"] if line["dropped"]] == ["abandoned"]
    assert slots() == {"strangers"}


def test_a_dry_run_says_what_would_go_and_drops_nothing(run, slots):
    run()
    states, report = run()

    assert set(states.values()) == {"success"}
    assert report["plan"]["withheld"] == ["hygiene-run/abandoned"]
    assert slots() == {"abandoned", "strangers"}


def test_a_server_that_cannot_be_checked_turns_the_run_red_and_hides_no_other(run, slots):
    servers = [{"identifier": "nowhere"}, {"identifier": "hygiene-run", "database": "shop"}]

    run(dry_run=False, sources=servers)
    states, report = run(dry_run=False, sources=servers)

    assert {task for task, state in states.items() if state != "success"} == {("report", None)}
    assert [line["slot"] for line in report["drops"] if line["dropped"]] == ["abandoned"]
    assert len(report["unchecked"]) == 1
    assert report["unchecked"][0].startswith("nowhere: ")


def test_a_run_for_an_interval_of_the_past_reports_and_touches_nothing(run, slots, source):
    states, report = run(dry_run=False, at=datetime.now(UTC) - timedelta(hours=3))

    assert set(states.values()) == {"success"}
    assert report["acts"] is False
    assert "past" in report["mode"]
    assert report["sources"][0]["notes"] == ["nothing was written down in this interval"]
    assert slots() == {"abandoned", "strangers"}
    with source.connect("postgres") as conn:
        assert conn.execute("select to_regnamespace('pgcdc')").fetchone() == (None,)


def test_params_that_cannot_be_read_are_reported(run, source):
    states, report = run(grace_seconds=5, sources=[{"identifier": "hygiene-run", "databse": "shop"}])

    assert states[("report", None)] == "failed"
    assert "databse" in report["failures"][0]
