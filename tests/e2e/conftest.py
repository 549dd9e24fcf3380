"""A migration as a user has it: Airflow with its scheduler, triggerer and UI, the sandbox, and a small shop."""

import json
import os
import shutil
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk import TaskInstanceState
from playwright.sync_api import expect, sync_playwright

from sandbox.api.call_log import Call
from sandbox.demo.settings import MASTER, Settings
from sandbox.demo.stage import DAG_ID, Stage, stage
from sandbox.demo.watch import CONF
from sandbox.postgres.ports import free_port
from tests.fix_sandbox import Database, make_results_place, wait_available

ARTIFACTS = Path(__file__).resolve().parents[2] / "test-artifacts"
RUN_SECONDS = 900
REACH_SECONDS = 300
PACE = 0.02
"""A replication instance takes 12 s to make: longer than a step waits in the worker, so it defers."""
ASKED = "awaiting_input" if "awaiting_input" in list(TaskInstanceState) else "deferred"
"""The state of a task that asks somebody. Airflow 3.2 has none of its own for it; deferred takes no worker either."""

BOOKS = "books"


def conf_of_books(name: str) -> dict[str, Any]:
    """Return what a run is asked to migrate: the cluster, and the database on it, that ``make_books`` makes."""
    return {**CONF, "name": name, "source_identifier": name, "source_database": name, "target_database": name}


BOOKS_CONF = conf_of_books(BOOKS)
BOOKS_SQL = """
create schema shop;
create table shop.books (id int primary key, title text not null);
insert into shop.books select n, 'Book ' || n from generate_series(1, 100) n;
"""


@dataclass(frozen=True)
class Run:
    """A run that is over. ``seen``: every state each task was seen in; ``calls``: all AWS was asked for meanwhile."""

    stage: Stage
    run_id: str
    state: str
    seen: dict[str, set[str]] = field(default_factory=dict)
    calls: tuple[Call, ...] = ()
    report: dict[str, Any] = field(default_factory=dict)

    @property
    def mutating(self) -> list[str]:
        """Return the calls that changed something, as IAM calls them."""
        return [f"{call.service}:{call.action}" for call in self.calls if call.mutating]


def migrate(running: Stage, conf: dict[str, Any]) -> Run:
    """Trigger a run, watch it until it is over, and keep its report: the next run of its name writes over it."""
    before = last_call(running)
    return told(finish(running, running.airflow.trigger(DAG_ID, conf)), before, conf)


def told(run: Run, before: int, conf: dict[str, Any]) -> Run:
    """Return ``run`` with its report, and with the calls after call ``before``."""
    report = run.stage.settings.reports / f"{conf.get('name', 'shop')}.json"
    return replace(run, calls=tuple(run.stage.sandbox.log.since(before)), report=json.loads(report.read_text()))


def last_call(running: Stage) -> int:
    """Return the number of the last call that AWS was asked for."""
    return max((call.number for call in running.sandbox.log), default=0)


def task_state(running: Stage, run_id: str, task_id: str) -> str | None:
    """Return the state of a task."""
    rows = running.airflow.task_instances(DAG_ID, run_id)
    return next((row["state"] for row in rows if row["task_id"] == task_id), None)


def reach(running: Stage, run_id: str, task_id: str, state: str) -> None:
    """Wait until a task waits in ``state``, and its worker's end was noted: nobody answers within milliseconds.

    Airflow's scheduler takes a task that goes on before that for a killed one.
    """
    ends = time.monotonic() + REACH_SECONDS
    while (found := task_state(running, run_id, task_id)) != state or not worker_ended(running, run_id, task_id):
        assert found != "failed", failures(Run(running, run_id, "running"))
        assert time.monotonic() < ends, f"{task_id} is {found}, not {state}, after {REACH_SECONDS} s"
        time.sleep(0.3)


def worker_ended(running: Stage, run_id: str, task_id: str) -> bool:
    """Say whether the scheduler has noted the end of the task's worker process."""
    said = (running.settings.home / "scheduler.log").read_text(errors="replace").splitlines()
    return any("TaskInstance Finished" in line and run_id in line and f"task_id={task_id}," in line for line in said)


def finish(running: Stage, run_id: str, dag_id: str = DAG_ID) -> Run:
    """Watch a run until it is over."""
    seen: dict[str, set[str]] = {}
    ends = time.monotonic() + RUN_SECONDS
    while time.monotonic() < ends:
        running.airflow.check()
        for row in running.airflow.task_instances(dag_id, run_id):
            seen.setdefault(row["task_id"], set()).add(row["state"])
        state = running.airflow.run_state(dag_id, run_id)
        if state in ("success", "failed"):
            return Run(running, run_id, state, seen)
        time.sleep(0.5)
    rows = running.airflow.task_instances(dag_id, run_id)
    states = {row["task_id"]: (row["state"], row["try_number"]) for row in rows}
    raise AssertionError(f"{run_id} is not over after {RUN_SECONDS} s: {states}")


def failures(run: Run, dag_id: str = DAG_ID) -> str:
    """Return the end of the log of every task that failed."""
    texts = []
    for row in run.stage.airflow.task_instances(dag_id, run.run_id):
        if row["state"] == "failed":
            for log in run.stage.settings.home.glob(f"logs/**/task_id={row['task_id']}/*.log"):
                texts.append(f"{log.name}: {log.read_text(errors='replace')[-3000:]}")
    return "\n".join(texts)


@pytest.fixture(scope="package")
def running(tmp_path_factory):
    """Everything that runs, until the last of these tests is over: an idle Airflow takes a third of a core."""
    place = tmp_path_factory.mktemp("e2e")
    settings = Settings(
        ui_port=free_port(),
        sandbox_port=free_port(),
        scale=0.02,
        pace=PACE,
        home=place / "airflow",
        directory=place / "sandbox",
        reports=place / "reports",
    )
    try:
        with stage(settings) as everything:
            yield everything
    finally:
        keep_logs(settings.home)


@pytest.fixture(scope="package")
def migrated(running):
    bucket, role = make_results_place(running.sandbox, "e2e-assessments")
    assessed = {
        "assessment_bucket": bucket, "assessment_service_access_role_arn": role,
        "assessment_mode": "warn",  # the shop has a table without a key, at which a gate would stop
    }  # fmt: skip
    run = migrate(running, CONF | assessed)
    assert run.state == "success", failures(run)
    return run


@pytest.fixture(scope="package")
def books(running):
    """Another cluster, as AWS makes it, with one table; its name, which is the migration's too."""
    make_books(running, BOOKS)
    return BOOKS


def make_books(running: Stage, name: str) -> Database:
    """Make an Aurora cluster and its database of this name, with one table, and a database for its replica."""
    rds, password = running.sandbox.client("rds"), running.settings.source_password
    rds.create_db_cluster(
        DBClusterIdentifier=name, Engine="aurora-postgresql", DatabaseName=name,
        MasterUsername=MASTER, MasterUserPassword=password,
    )  # fmt: skip
    rds.create_db_instance(
        DBInstanceIdentifier=f"{name}-1", DBClusterIdentifier=name, Engine="aurora-postgresql",
        DBInstanceClass="db.r6g.large",
    )  # fmt: skip
    wait_available(running.sandbox, f"{name}-1")
    source = Database(running.sandbox, name, name, MASTER, password)
    with source.connect() as conn:
        conn.execute(BOOKS_SQL)
    with running.ends.connect_target() as conn:
        conn.execute(f"create database {name}")
    return source


@pytest.fixture
def page(request):
    ARTIFACTS.mkdir(exist_ok=True)
    names = ("chromium", "chromium-browser", "google-chrome")
    program = next((path for path in map(shutil.which, names) if path), None)
    assert program, "no Chromium: bin/setup tests installs it"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=program, args=["--no-sandbox"] if os.geteuid() == 0 else []
        )
        page = browser.new_page(viewport={"width": 1400, "height": 1000})
        page.set_default_timeout(120_000)
        expect.set_options(timeout=120_000)
        yield page
        page.screenshot(path=ARTIFACTS / f"{request.node.name}.png", full_page=True)
        browser.close()


def keep_logs(home: Path) -> None:
    """Keep what the components said, for whoever reads a failure."""
    ARTIFACTS.mkdir(exist_ok=True)
    for log in home.glob("*.log"):
        shutil.copy(log, ARTIFACTS / f"airflow-{log.name}")
