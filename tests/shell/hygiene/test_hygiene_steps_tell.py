"""People are asked once, and given a report whatever happens."""

from __future__ import annotations

import json
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from airflow.providers.standard.operators import hitl
from airflow.sdk import DAG
from airflow.sdk.exceptions import AirflowFailException, DownstreamTasksSkipped

from pg_cdc.failures import SpecInvalid, StepFailed
from pg_cdc.hooks.slots.book import SlotBook
from pg_cdc.operators.hygiene.decide import ApproveDropsOperator
from tests.airflow_shapes import TaskAwaitingInput
from tests.shell.hygiene.conftest import DMS_OWNER
from tests.shell.hygiene.hygiene_run import HygieneRun, Other
from tests.shell.hygiene.recording_notifier import RecordingNotifier

pytestmark = pytest.mark.usefixtures("no_spec_files")


@pytest.mark.parametrize(
    ("value", "said"),
    [
        pytest.param("{", "no JSON", id="no-json"),
        pytest.param("{}", "no list", id="no-list"),
        pytest.param('["a.B"]', "an entry", id="no-mapping"),
        pytest.param('[{"class": "a.B"}]', "a.B: No module named 'a'", id="no-module"),
        pytest.param('[{"class": "json.Nothing"}]', "json.Nothing", id="no-class"),
        pytest.param(
            '[{"class": "tests.shell.hygiene.recording_notifier.NoNotifier"}]', "no notifier", id="no-notifier"
        ),
        pytest.param(
            '[{"class": "tests.shell.hygiene.recording_notifier.RecordingNotifier"}]', "message", id="no-kwargs"
        ),
    ],
)
def test_a_list_of_notifiers_that_cannot_be_used_is_refused(monkeypatch, value, said):
    from pg_cdc.hooks.notify import read_notifiers

    monkeypatch.setenv("AIRFLOW_VAR_PG_CDC_NOTIFIERS", value)

    with pytest.raises(SpecInvalid) as refused:
        read_notifiers()

    assert said in refused.value.found


@contextmanager
def asked(monkeypatch):
    found: dict[str, Any] = {}
    monkeypatch.setattr(hitl, "upsert_hitl_detail", lambda **kwargs: found.update(kwargs))
    yield found


@pytest.fixture
def ripe(watched, params):
    """An orphan past its grace, and a run that has looked and may drop none without a human."""
    name = watched.make_slot(owner=DMS_OWNER)
    HygieneRun(params).look()
    run = HygieneRun(params | {"max_drops": 0, "approval_minutes": 30})
    run.look()
    return name, run


def test_many_drops_are_asked_about_with_all_that_is_to_go(ripe, monkeypatch, tmp_path):
    name, run = ripe
    monkeypatch.setenv("PG_CDC_REPORTS", str(tmp_path))

    with asked(monkeypatch) as question, pytest.raises(TaskAwaitingInput) as waiting:
        run.approve()

    assert f"watched/{name}" in question["body"]
    assert question["options"] == ["Approve", "Reject"]
    assert waiting.value.timeout == timedelta(minutes=30)
    assert "wait for an answer" in (tmp_path / "hygiene" / "latest.md").read_text()


def test_while_another_run_waits_for_an_answer_nobody_is_asked_again(ripe):
    _, run = ripe
    run.ti.others = {"scheduled__before": {"approve_drops": "awaiting_input"}}

    with pytest.raises(DownstreamTasksSkipped):
        run.approve()

    assert run.ti.pushed["return_value"]["facts"]["approval"] == "waits for an answer in run scheduled__before"


def test_a_run_that_needs_no_approval_does_not_care_who_waits(watched, params):
    run = HygieneRun(params)
    run.ti.others = {"scheduled__before": {"approve_drops": "awaiting_input"}}
    run.look()

    assert run.approve()["facts"]["approval"] == "not asked for"


def answer(run: HygieneRun, option: str) -> Any:
    with DAG("pg_cdc_slot_hygiene", schedule=None):
        operator = ApproveDropsOperator(task_id="approve_drops")
        operator >> Other(task_id="after")
    event = {
        "chosen_options": [option],
        "params_input": {},
        "responded_at": datetime.now(UTC),
        "responded_by_user": {"id": "7", "name": "ada"},
    }
    return operator.execute_complete(run.context(operator), event)


def test_an_approval_goes_on_and_tells_who_gave_it(ripe):
    _, run = ripe

    assert answer(run, "Approve")["facts"] == {"approval": "approved", "by": "ada"}


def test_a_rejection_skips_the_drops_and_begins_the_grace_anew(ripe, watched, params):
    name, run = ripe
    with watched.on_source("postgres") as conn:
        before = SlotBook(conn).watches()[name]

    with pytest.raises(DownstreamTasksSkipped):
        answer(run, "Reject")

    with watched.on_source("postgres") as conn:
        after = SlotBook(conn).watches()[name]
    assert after.owner_id == before.owner_id
    assert after.gone_since > before.gone_since
    again = HygieneRun(params | {"max_drops": 0, "grace_seconds": 60})
    again.look()
    assert again.approve()["facts"]["approval"] == "not asked for"


def test_a_rejection_that_cannot_be_written_down_is_a_rejection(ripe, watched, params):
    _, run = ripe
    with watched.on_source("postgres") as conn:
        assert SlotBook(conn).try_lock()
        with pytest.raises(DownstreamTasksSkipped):
            answer(run, "Reject")


def test_people_are_told_that_they_are_asked(ripe, monkeypatch, tmp_path, notified):
    name, run = ripe
    monkeypatch.setenv("PG_CDC_REPORTS", str(tmp_path))

    with asked(monkeypatch), pytest.raises(TaskAwaitingInput):
        run.approve()

    assert notified[0].startswith("Drop 1 replication slot")
    assert f"watched/{name}" in notified[0]


def test_a_notifier_that_fails_does_not_keep_people_from_being_asked(ripe, monkeypatch, tmp_path, notified):
    _, run = ripe
    monkeypatch.setenv("PG_CDC_REPORTS", str(tmp_path))
    RecordingNotifier.broken.append("Drop")

    with asked(monkeypatch) as question, pytest.raises(TaskAwaitingInput):
        run.approve()

    assert question["options"] == ["Approve", "Reject"]


def test_no_answer_in_time_is_a_failure_that_says_what_to_do(ripe):
    _, run = ripe
    operator = ApproveDropsOperator(task_id="approve_drops")

    with pytest.raises(AirflowFailException, match="no answer within 30 minutes"):
        operator.execute_complete(run.context(operator), {"error": "timed out", "error_type": "timeout"})


def test_the_report_tells_of_all_servers_and_fails_for_the_one_that_could_not_be_checked(watched, params, tmp_path):
    name = watched.make_slot()
    run = HygieneRun(params | {"sources": [{"identifier": "nowhere"}, *params["sources"]]})
    run.look()
    run.approve()
    run.drop()

    with pytest.raises(AirflowFailException) as failed:
        run.report(tmp_path)

    assert isinstance(failed.value.__cause__, StepFailed)
    report = json.loads((tmp_path / "hygiene" / "latest.json").read_text())
    assert report["unchecked"][0].startswith("nowhere: ")
    assert [slot["slot"]["name"] for source in report["sources"] for slot in source["slots"]] == [name]
    assert "## Could not check" in (tmp_path / "hygiene" / "latest.md").read_text()


def test_a_check_that_left_nothing_is_a_server_that_could_not_be_checked(watched, params, tmp_path):
    run = HygieneRun(params)
    run.look()
    run.ti.left["check_source"] = None

    with pytest.raises(AirflowFailException, match="ended without a result"):
        run.report(tmp_path)


def test_a_step_that_failed_is_named(watched, params, tmp_path):
    run = HygieneRun(params)
    run.look()
    run.ti.states["raise_alarms"] = "failed"

    with pytest.raises(AirflowFailException, match="raise_alarms failed"):
        run.report(tmp_path)


def test_a_report_of_the_past_and_one_older_than_the_latest_do_not_take_its_place(watched, params, tmp_path):
    runs = {
        "old": HygieneRun(params),
        "new": HygieneRun(params),
        "past": HygieneRun(params, run_type="backfill", ended=timedelta(hours=1)),
    }
    runs["old"].run.start_date -= timedelta(minutes=15)
    for run in reversed(runs.values()):
        run.look()
        run.report(tmp_path)

    latest = json.loads((tmp_path / "hygiene" / "latest.json").read_text())
    assert latest["run_id"] == runs["new"].ti.run_id
    written = {path.stem for path in (tmp_path / "hygiene").glob("*.json")}
    assert written == {"latest", *(run.ti.run_id for run in runs.values())}


def test_params_that_cannot_be_read_are_reported_too(tmp_path):
    run = HygieneRun({"dryrun": False})

    with pytest.raises(AirflowFailException):
        run.report(tmp_path)

    assert "dryrun" in (tmp_path / "hygiene" / "latest.md").read_text()
