"""Many waits make few calls; a wait travels to the triggerer and back; an old read is not believed."""

from __future__ import annotations

import json
import pkgutil
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields
from datetime import UTC, datetime
from typing import Any

import pytest

from pg_cdc.triggers.wait import WaitTrigger
from pg_cdc.waits import dms as waits
from pg_cdc.waits.assessment import AssessmentEnded
from pg_cdc.waits.dms import (
    ConnectionTested,
    EndpointSettled,
    FullLoadEnded,
    InstanceSettled,
    SharedReads,
    TaskSettled,
    TaskStarted,
)
from pg_cdc.waits.streaming import StreamFlows

ACCOUNT = {"aws_conn_id": "aws_default", "region": "eu-west-1", "since": 0.0, "poll_seconds": 15.0}
KEY = ("aws_default", "eu-west-1", "tasks")
STARTED = datetime(2026, 11, 20, 10, tzinfo=UTC)


def row(identifier: str = "pg-cdc-shop", status: str = "running", **stats: Any) -> dict[str, Any]:
    stats = {"FullLoadProgressPercent": 100, "TablesLoaded": 1, "StartDate": STARTED, **stats}
    return {
        "ReplicationTaskIdentifier": identifier,
        "ReplicationTaskArn": f"arn:{identifier}",
        "Status": status,
        "MigrationType": "full-load-and-cdc",
        "ReplicationTaskStats": stats,
    }


class Dms:
    """A hook that counts what it is asked."""

    def __init__(self, *tasks: dict[str, Any], instance: str = "available", connection: str = "successful") -> None:
        self.rows = list(tasks)
        self.instance = instance
        self.connection = connection
        self.task_reads = 0
        self.table_reads = 0

    def tasks(self, **_: Any) -> list[dict[str, Any]]:
        self.task_reads += 1
        return list(self.rows)

    def assessment_runs(self, **_: Any) -> list[dict[str, Any]]:
        self.task_reads += 1
        return list(self.rows)

    def table_statistics(self, task_arn: str) -> list[dict[str, Any]]:
        self.table_reads += 1
        return [
            {"SchemaName": "shop", "TableName": "orders", "TableState": "Full load", "FullLoadRows": 7},
            {"SchemaName": "shop", "TableName": "items", "TableState": "Table completed", "FullLoadRows": 9},
        ]

    def read_all(self, operation: str, key: str, **_: Any) -> list[dict[str, Any]]:
        return [{"ReplicationInstanceIdentifier": "pg-cdc-shop", "ReplicationInstanceStatus": self.instance}]

    def endpoint(self, identifier: str) -> dict[str, Any] | None:
        return {"Status": "creating"} if identifier == "new" else None

    def connections(self, endpoint_arn: str, instance_arn: str) -> list[dict[str, Any]]:
        return [{"Status": self.connection}] if self.connection else []


@pytest.fixture
def dms(monkeypatch):
    """Answer every wait by ``Dms``, and begin with nothing shared."""
    waits.SHARED.clear()
    hook = Dms(row())
    monkeypatch.setattr(waits.DmsWait, "hook", lambda self: hook)
    yield hook
    waits.SHARED.clear()


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_600_waiting_tasks_make_at_most_12_calls_a_minute():
    clock = Clock()
    shared = SharedReads(clock)
    pages = 0

    def read() -> list[dict[str, Any]]:
        nonlocal pages
        pages += 6
        return [row(f"t{n}") for n in range(600)]

    for second in range(600):
        clock.now = 1000.0 + second
        for _ in range(600 // 15):
            shared.rows(KEY, read, since=0.0, poll_seconds=15.0)

    assert pages / 10 <= 12


def test_one_task_is_not_read_more_often_than_it_is_polled():
    clock = Clock()
    shared = SharedReads(clock)
    reads = []

    for second in range(60):
        clock.now = 1000.0 + second
        shared.rows(KEY, lambda: reads.append(1) or [row()], since=0.0, poll_seconds=15.0)

    assert len(reads) == 12


def test_a_read_older_than_the_wait_is_not_believed():
    clock = Clock()
    shared = SharedReads(clock)
    shared.rows(KEY, lambda: [row(status="stopped")], since=0.0, poll_seconds=15.0)

    clock.now += 0.1
    rows = shared.rows(KEY, lambda: [row(status="starting")], since=clock.now, poll_seconds=15.0)

    assert rows[0]["Status"] == "starting"


def test_what_changed_during_a_read_is_read_again():
    """A read counts from its beginning: the change that a wait is for may have been made while it ran."""
    clock = Clock()
    shared = SharedReads(clock)

    def slow() -> list[dict[str, Any]]:
        clock.now += 2
        return [row(status="stopped")]

    shared.rows(KEY, slow, since=0.0, poll_seconds=15.0)
    rows = shared.rows(KEY, lambda: [row(status="starting")], since=clock.now - 1, poll_seconds=15.0)

    assert rows[0]["Status"] == "starting"


def test_twenty_threads_that_look_at_once_read_once():
    shared = SharedReads()
    reads = []
    ready = threading.Barrier(20)

    def look() -> None:
        ready.wait()
        shared.rows(KEY, lambda: reads.append(1) or [row()], since=0.0, poll_seconds=15.0)

    with ThreadPoolExecutor(20) as pool:
        list(pool.map(lambda _: look(), range(20)))

    assert len(reads) == 1


def test_a_read_that_fails_is_not_kept():
    shared = SharedReads()

    def fail() -> list[dict[str, Any]]:
        raise ConnectionError("lost")

    with pytest.raises(ConnectionError):
        shared.rows(KEY, fail, since=0.0, poll_seconds=15.0)

    assert shared.rows(KEY, lambda: [row()], since=0.0, poll_seconds=15.0)


def test_accounts_and_regions_do_not_share():
    shared = SharedReads()
    shared.rows(KEY, lambda: [row("here")], since=0.0, poll_seconds=15.0)

    rows = shared.rows(("aws_default", "us-east-1", "tasks"), lambda: [row("there")], since=0.0, poll_seconds=15.0)

    assert rows[0]["ReplicationTaskIdentifier"] == "there"


def test_table_statistics_are_read_six_times_a_minute_over_all_tasks():
    clock = Clock()
    shared = SharedReads(clock)

    first = [shared.may_read_tables(KEY) for _ in range(10)]
    clock.now += 61

    assert first.count(True) == 6
    assert shared.may_read_tables(KEY)


@pytest.mark.parametrize(
    ("status", "stats", "done"),
    [
        pytest.param("running", {}, True, id="loaded"),
        pytest.param("running", {"TablesLoading": 1, "FullLoadProgressPercent": 40}, False, id="loading"),
        pytest.param("starting", {}, False, id="starting"),
        pytest.param("stopped", {}, True, id="ended-between-two-looks"),
        pytest.param("failed", {}, True, id="failed"),
    ],
)
def test_full_load_ended(dms, status, stats, done):
    dms.rows = [row(status=status, **stats)]

    assert FullLoadEnded(identifier="pg-cdc-shop", **ACCOUNT).look().done is done


def test_a_load_tells_its_progress_by_table_that_is_not_done(dms):
    dms.rows = [row(TablesLoading=1, FullLoadProgressPercent=40)]

    progress = FullLoadEnded(identifier="pg-cdc-shop", **ACCOUNT).look().progress

    assert "40 %" in progress
    assert "shop.orders: Full load, 7 rows" in progress
    assert "items" not in progress


def test_a_task_that_vanished_ends_the_wait(dms):
    dms.rows = []

    look = FullLoadEnded(identifier="pg-cdc-shop", **ACCOUNT).look()

    assert look.done
    assert "missing" in look.progress


@pytest.mark.parametrize(
    ("status", "done"),
    [
        *((status, False) for status in ("creating", "modifying", "stopping", "starting")),
        *((status, True) for status in ("ready", "running", "stopped", "failed")),
    ],
)
def test_task_settled(dms, status, done):
    dms.rows = [row(status=status)]

    assert TaskSettled(identifier="pg-cdc-shop", **ACCOUNT).look().done is done


LATER = datetime(2026, 11, 20, 11, tzinfo=UTC)


@pytest.mark.parametrize(
    ("was", "before", "status", "started", "done"),
    [
        pytest.param("ready", None, "ready", None, False, id="not-seen-yet"),
        pytest.param("ready", None, "starting", STARTED, False, id="starting"),
        pytest.param("ready", None, "running", STARTED, True, id="running"),
        pytest.param("ready", None, "failed", None, True, id="failed-at-once"),
        pytest.param("stopped", STARTED, "stopped", STARTED, False, id="the-old-stop-is-still-shown"),
        pytest.param("stopped", STARTED, "stopped", LATER, True, id="ended-again-between-two-looks"),
        pytest.param("failed", STARTED, "failed", STARTED, False, id="the-old-failure-is-still-shown"),
        pytest.param("failed", STARTED, "failed", LATER, True, id="failed-again"),
    ],
)
def test_task_started(dms, was, before, status, started, done):
    dms.rows = [row(status=status, StartDate=started)]
    wait = TaskStarted(identifier="pg-cdc-shop", was=was, before=before and before.isoformat(), **ACCOUNT)

    assert wait.look().done is done


@pytest.mark.parametrize(
    ("status", "done"),
    [("creating", False), ("modifying", False), ("rebooting", False), ("available", True), ("failed", True)],
)
def test_instance_settled(dms, status, done):
    dms.instance = status

    assert InstanceSettled(identifier="pg-cdc-shop", **ACCOUNT).look().done is done


@pytest.mark.parametrize(("status", "done"), [("testing", False), ("", False), ("successful", True), ("failed", True)])
def test_connection_tested(dms, status, done):
    dms.connection = status

    assert ConnectionTested(endpoint_arn="a", instance_arn="b", end="source", **ACCOUNT).look().done is done


@pytest.mark.parametrize(("identifier", "done"), [("new", False), ("gone", True)])
def test_endpoint_settled(dms, identifier, done):
    assert EndpointSettled(identifier=identifier, **ACCOUNT).look().done is done


@pytest.mark.parametrize(
    ("status", "done"),
    [("starting", False), ("provisioning", False), ("running", False), ("passed", True), ("warning", True),
     ("failed", True), ("error-executing", True), ("deleting", True)],
)  # fmt: skip
def test_an_assessment_is_waited_for_until_it_is_over_with_one_read_for_all(dms, status, done):
    progress = {"IndividualAssessmentCount": 28, "IndividualAssessmentCompletedCount": 9}
    run = {"AssessmentRunName": "n", "ReplicationTaskAssessmentRunArn": "a", "Status": status}
    dms.rows = [{**run, "AssessmentProgress": progress}]
    looks = [AssessmentEnded(arn="a", name="n", **ACCOUNT).look() for _ in range(20)]

    assert {look.done for look in looks} == {done}
    assert looks[0].progress == f"assessment run n is {status}, 9 of 28 assessments are done"
    assert dms.task_reads == 1
    assert AssessmentEnded(arn="gone", name="n", **ACCOUNT).look().done


def test_a_stream_is_not_waited_for_when_its_task_has_ended(dms):
    dms.rows = [row(status="failed")]
    wait = StreamFlows(identifier="pg-cdc-shop", migration={}, task_arn="a", token="t", **ACCOUNT)

    assert wait.look().done


ALL = [
    AssessmentEnded(arn="a", name="n", **ACCOUNT),
    InstanceSettled(identifier="x", **ACCOUNT),
    EndpointSettled(identifier="x", **ACCOUNT),
    ConnectionTested(endpoint_arn="a", instance_arn="b", end="source", **ACCOUNT),
    TaskSettled(identifier="x", **ACCOUNT),
    TaskStarted(identifier="x", before=None, was="ready", **ACCOUNT),
    FullLoadEnded(identifier="x", **ACCOUNT),
    StreamFlows(identifier="x", migration={"name": "shop"}, task_arn="a", token="t", **ACCOUNT),
]


@pytest.mark.parametrize("wait", ALL, ids=lambda wait: type(wait).__name__)
def test_a_wait_survives_the_way_to_the_triggerer(wait):
    trigger = WaitTrigger(wait=wait.classpath, arguments=wait.arguments(), poll_seconds=15, deadline=1.0)
    _, sent = trigger.serialize()
    received = json.loads(json.dumps(sent))

    assert pkgutil.resolve_name(received["wait"])(**received["arguments"]) == wait


@pytest.mark.parametrize("wait", ALL, ids=lambda wait: type(wait).__name__)
def test_no_wait_carries_a_secret(wait):
    assert not [field.name for field in fields(wait) if "password" in field.name or "secret" in field.name]


async def test_the_trigger_ends_when_the_load_does(dms):
    wait = FullLoadEnded(identifier="pg-cdc-shop", **ACCOUNT)
    trigger = WaitTrigger(
        wait=wait.classpath,
        arguments=wait.arguments(),
        poll_seconds=0.01,
        deadline=datetime.now(UTC).timestamp() + 10,
    )

    events = [event.payload async for event in trigger.run()]

    assert events == [{"end": "done"}]
