"""Between plan and change: a dry run stops, an approval is asked for only when wanted, a rejection is no failure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from airflow.providers.standard.operators import hitl
from airflow.sdk import DAG
from airflow.sdk.exceptions import AirflowFailException, DownstreamTasksSkipped

from pg_cdc.operators.approval import ApprovePlanOperator, StopIfDryRunOperator
from pg_cdc.operators.base import CdcOperator
from tests.airflow_shapes import TaskAwaitingInput, answer_within

PLAN = {"facts": {"markdown": "# Plan of migration shop"}}
APPROVAL = {"safety": {"require_approval": True}, "timeouts": {"approval_minutes": 5}}


class TaskInstance:
    """What these steps need of Airflow's task instance."""

    id = "0199"
    map_index = -1

    def __init__(self) -> None:
        self.start_date = datetime.now(UTC)
        self.pushed: dict[str, Any] = {}

    def xcom_push(self, key: str, value: Any) -> None:
        self.pushed[key] = value

    def xcom_pull(self, task_ids: str, **_: Any) -> Any:
        return PLAN if task_ids == "plan" else None


class Next(CdcOperator):
    """The step that follows."""

    def step(self, migration, context):
        raise AssertionError("not run here")


def wired(operator: type[CdcOperator], **spec: Any) -> CdcOperator:
    with DAG("approval", schedule=None):
        task = operator(task_id="gate", migration=spec)
        task >> Next(task_id="next")
    return task


def context(task: CdcOperator) -> dict[str, Any]:
    ti = TaskInstance()
    return {"ti": ti, "task_instance": ti, "task": task, "params": {}}


def answer(option: str) -> dict[str, Any]:
    return {
        "chosen_options": [option],
        "params_input": {},
        "responded_at": datetime.now(UTC),
        "responded_by_user": {"id": "7", "name": "ada"},
    }


def test_a_run_that_is_no_dry_run_goes_on():
    task = wired(StopIfDryRunOperator)

    assert task.execute(context(task))["facts"] == {"dry_run": False}


def test_a_dry_run_skips_what_follows_and_says_so():
    task = wired(StopIfDryRunOperator, safety={"dry_run": True})
    given = context(task)

    with pytest.raises(DownstreamTasksSkipped) as skipped:
        task.execute(given)

    assert skipped.value.tasks == ["next"]
    assert given["ti"].pushed["return_value"]["facts"] == {"dry_run": True}


def test_no_one_is_asked_when_no_approval_is_wanted():
    task = wired(ApprovePlanOperator)

    assert task.execute(context(task))["facts"] == {"approval": "not asked for"}


def test_the_plan_is_shown_to_whom_is_asked(monkeypatch):
    asked: dict[str, Any] = {}
    monkeypatch.setattr(hitl, "upsert_hitl_detail", lambda **kwargs: asked.update(kwargs))
    task = wired(ApprovePlanOperator, **APPROVAL)

    with pytest.raises(TaskAwaitingInput) as waiting:
        task.execute(context(task))

    assert asked["subject"] == "Approve the plan of migration shop"
    assert asked["body"] == "# Plan of migration shop"
    assert asked["options"] == ["Approve", "Reject"]
    assert timedelta(minutes=4) < answer_within(waiting.value) <= timedelta(minutes=5)


def test_an_approval_goes_on_and_tells_who_gave_it():
    task = wired(ApprovePlanOperator, **APPROVAL)

    done = task.execute_complete(context(task), answer("Approve"))

    assert done["facts"] == {"approval": "approved", "by": "ada"}


def test_a_rejection_skips_what_follows_and_is_left_for_the_report():
    task = wired(ApprovePlanOperator, **APPROVAL)
    given = context(task)

    with pytest.raises(DownstreamTasksSkipped) as skipped:
        task.execute_complete(given, answer("Reject"))

    assert skipped.value.tasks == ["next"]
    assert given["ti"].pushed["return_value"]["facts"] == {"approval": "rejected", "by": "ada"}


def test_no_answer_in_time_is_a_failure_that_says_what_to_do():
    task = wired(ApprovePlanOperator, **APPROVAL)
    given = context(task)

    with pytest.raises(AirflowFailException, match="no answer within 5 minutes to: Approve the plan of migration shop"):
        task.execute_complete(given, {"error": "timed out", "error_type": "timeout"})

    assert given["ti"].pushed["failure"]["kind"] == "WaitedTooLong"
