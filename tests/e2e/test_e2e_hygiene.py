"""Slot hygiene as a user has it: scheduled, backfilled, asked about through the REST API, and telling people."""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from pg_cdc.decisions.slots.world import Owner, OwnerKind, SlotRow
from pg_cdc.hooks.notify import VARIABLE
from pg_cdc.hooks.slots.book import learn
from sandbox.demo.settings import MASTER, SOURCE
from tests.e2e.conftest import ASKED, Run, failures
from tests.fix_sandbox import Database, wait_available

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(1800)]

DAG_ID = "pg_cdc_slot_hygiene"
WATCHED = "watched"
GONE = "arn:aws:dms:eu-west-1:123456789012:task:DELETEDEXAMPLE"
CONF = {
    "spec_files": ["shop.yaml"],
    "sources": [{"identifier": WATCHED, "database": "app"}],
    "grace_seconds": 0,
    "dry_run": False,
}
OBSERVED = """
insert into pgcdc.slot_observation
select slot_name, %s, false, confirmed_flush_lsn, restart_lsn, confirmed_flush_lsn, 4096 from pg_replication_slots
"""
AN_HOUR_EARLIER = """
update pgcdc.slot_observation set observed_at = observed_at - interval '1 hour', wal_lsn = wal_lsn - 1000000
"""


@pytest.fixture(scope="module")
def watched(running):
    """A server with a slot of a deleted task and a stranger's slot, its administrator the shop's."""
    rds = running.sandbox.client("rds")
    rds.create_db_parameter_group(
        DBParameterGroupName=WATCHED, DBParameterGroupFamily="postgres15", Description="logical"
    )
    logical = {"ParameterName": "rds.logical_replication", "ParameterValue": "1", "ApplyMethod": "pending-reboot"}
    rds.modify_db_parameter_group(DBParameterGroupName=WATCHED, Parameters=[logical])
    rds.create_db_instance(
        DBInstanceIdentifier=WATCHED, Engine="postgres", DBInstanceClass="db.t3.medium", AllocatedStorage=20,
        DBName="app", MasterUsername=MASTER, MasterUserPassword=running.settings.source_password,
        DBParameterGroupName=WATCHED,
    )  # fmt: skip
    wait_available(running.sandbox, WATCHED)
    server = Database(running.sandbox, WATCHED, "app", MASTER, running.settings.source_password)
    with server.connect() as conn:
        for name in ("abandoned", "strangers"):
            conn.execute("select pg_create_logical_replication_slot(%s, 'test_decoding')", (name,))
        owner = Owner(kind=OwnerKind.DMS_TASK, owner_id=GONE, migration="shop", how="told by a test")
        learn(conn, SlotRow(name="abandoned", slot_type="logical", plugin="test_decoding"), owner)
    return server


@pytest.fixture(scope="module", autouse=True)
def awake(running):
    """The DAG is paused when it first appears: wake it, and let it sleep again for the other tests."""
    eventually(lambda: is_there(running), "the DAG to appear")
    before = runs_of(running, "scheduled")
    assert before == []
    running.airflow.call("PATCH", f"dags/{DAG_ID}", json={"is_paused": False})
    yield
    running.airflow.call("PATCH", f"dags/{DAG_ID}", json={"is_paused": True})


@pytest.fixture(scope="module")
def topic(running):
    """Where people are told: a topic of SNS, through the provider's notifier."""
    arn = running.sandbox.client("sns").create_topic(Name="dba")["TopicArn"]
    kwargs = {"target_arn": arn, "subject": "{{ alarm.title }}", "message": "{{ alarm.text }}"}
    entry = {"class": "airflow.providers.amazon.aws.notifications.sns.SnsNotifier", "kwargs": kwargs}
    running.airflow.call("POST", "variables", json={"key": VARIABLE, "value": json.dumps([entry])})
    yield arn
    running.airflow.call("DELETE", f"variables/{VARIABLE}")


def is_there(running) -> bool:
    return any(dag["dag_id"] == DAG_ID for dag in running.airflow.call("GET", "dags?limit=100")["dags"])


def runs_of(running, run_type: str) -> list[dict[str, Any]]:
    return list(running.airflow.call("GET", f"dags/{DAG_ID}/dagRuns?run_type={run_type}&limit=100")["dag_runs"])


def eventually(found: Callable[[], Any], what: str, seconds: float = 300) -> Any:
    ends = time.monotonic() + seconds
    while not (value := found()):
        assert time.monotonic() < ends, f"waited {seconds} s for {what}"
        time.sleep(0.3)
    return value


def over(running, run_id: str) -> Run:
    """Return a run when it is over, with its report."""
    ended = eventually(lambda: running.airflow.run_state(DAG_ID, run_id) in ("success", "failed"), f"{run_id} to end")
    assert ended
    path = running.settings.reports / "hygiene" / f"{run_id.replace(':', '_')}.json"
    state = running.airflow.run_state(DAG_ID, run_id)
    return Run(running, run_id, state, report=json.loads(path.read_text()) if path.exists() else {})


def trigger(running, **conf: Any) -> str:
    return running.airflow.trigger(DAG_ID, CONF | conf)


def hygiene_state(running, run_id: str, task_id: str) -> str | None:
    rows = running.airflow.task_instances(DAG_ID, run_id)
    return next((row["state"] for row in rows if row["task_id"] == task_id), None)


def slots(server: Database) -> set[str]:
    with server.connect() as conn:
        return {row[0] for row in conn.execute("select slot_name from pg_replication_slots")}


def checked(run: Run) -> dict[str, bool]:
    return {source["identifier"]: source["checked"] for source in run.report["sources"]}


def told(running, arn: str) -> list[str]:
    from moto.backends import get_backend

    topic = get_backend("sns")["123456789012"][running.sandbox.region].topics[arn]
    return [message[1] for message in topic.sent_notifications]


def test_a_scheduled_run_looks_at_the_source_of_every_spec_file(running):
    (first,) = eventually(lambda: runs_of(running, "scheduled"), "a scheduled run")

    run = over(running, first["dag_run_id"])

    assert first["data_interval_start"] != first["data_interval_end"]
    assert checked(run) == {SOURCE: True}
    assert run.state == "success", failures(run, DAG_ID)
    assert SOURCE in {row["rendered_map_index"] for row in running.airflow.task_instances(DAG_ID, run.run_id)}


@pytest.mark.exhaustive
def test_many_drops_wait_for_an_answer_by_the_rest_api_while_other_runs_look_on_and_tell(running, watched, topic):
    first = over(running, trigger(running, sources=[*CONF["sources"], {"identifier": "nowhere"}]))
    assert checked(first) == {SOURCE: True, WATCHED: True, "nowhere": False}
    assert first.state == "failed"
    rows = running.airflow.task_instances(DAG_ID, first.run_id)
    assert {row["task_id"] for row in rows if row["state"] == "failed"} == {"report"}
    age_the_first_look(watched)

    asking = trigger(running, max_drops=0)
    eventually(lambda: hygiene_state(running, asking, "approve_drops") == ASKED, "the question")
    assert "the drops wait for an answer" in json.loads(latest(running).read_text())["notes"]

    beside = over(running, trigger(running, max_drops=0, alarm_hours=1e7, watch_hours=1e7))
    assert beside.state == "success", beside.report
    assert f"approval: waits for an answer in run {asking}" in beside.report["notes"]
    assert {alarm["slot"] for alarm in beside.report["alarms"]} == {"abandoned", "strangers"}
    assert any("watched/strangers" in text for text in told(running, topic)), told(running, topic)
    assert slots(watched) == {"abandoned", "strangers"}

    path = f"dags/{DAG_ID}/dagRuns/{asking}/taskInstances/approve_drops/-1/hitlDetails"
    question = running.airflow.call("GET", path)
    assert "watched/abandoned" in question["body"]
    assert "strangers" not in question["body"]
    running.airflow.call("PATCH", path, json={"chosen_options": ["Approve"], "params_input": {}})
    run = over(running, asking)

    assert run.state == "success", run.report
    assert [line["slot"] for line in run.report["drops"] if line["dropped"]] == ["abandoned"]
    assert slots(watched) == {"strangers"}


def test_a_backfill_reports_what_was_seen_then_and_does_nothing(running, watched):
    over(running, trigger(running, dry_run=True))  # makes the books
    there = slots(watched)
    end = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(hours=2)
    end -= timedelta(minutes=end.minute % 15)
    with watched.connect("postgres") as conn:
        conn.execute(OBSERVED, (end + timedelta(minutes=5),))

    create = ["backfill", "create", "--dag-id", DAG_ID, "--from-date", end.isoformat(), "--to-date", end.isoformat()]
    airflow = str(Path(sys.executable).with_name("airflow"))
    done = subprocess.run(
        [airflow, *create, "--dag-run-conf", json.dumps(CONF)],
        env=running.airflow.environment, capture_output=True, text=True, timeout=500,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    (made,) = eventually(lambda: runs_of(running, "backfill"), "a run of the backfill")
    run = over(running, made["dag_run_id"])

    assert run.state == "success", failures(run)
    assert (run.report["acts"], run.report["mode"]) == (False, "a backfill tells what was and changes nothing")
    (source,) = [source for source in run.report["sources"] if source["identifier"] == WATCHED]
    assert {slot["slot"]["name"] for slot in source["slots"]} == slots(watched) == there >= {"strangers"}
    assert source["slots"][0]["slot"]["retained_bytes"] == 4096
    assert json.loads(latest(running).read_text())["run_id"] != run.run_id


def latest(running) -> Path:
    return running.settings.reports / "hygiene" / "latest.json"


def age_the_first_look(server: Database) -> None:
    """Make the first look an hour older, and its WAL position an hour's work smaller: then there is a rate."""
    with server.connect("postgres") as conn:
        conn.execute(AN_HOUR_EARLIER)
