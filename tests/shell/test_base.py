"""Every step reads, decides, acts, proves; waits in place for a moment, then without a worker; says why it failed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowFailException, TaskDeferred

from pg_cdc.decisions.outcome import Outcome
from pg_cdc.failures import CdcFailure, NotOurs, NotYet, WaitedTooLong
from pg_cdc.operators.base import CdcOperator
from pg_cdc.triggers.wait import WaitTrigger
from pg_cdc.waits import Look, Wait

LOOKS: dict[str, list[Look | Exception]] = {}


@dataclass(frozen=True)
class Scripted(Wait):
    """Answers what the test wrote down, the last answer for ever."""

    script: str

    def look(self) -> Look:
        answers = LOOKS[self.script]
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


class Step(CdcOperator):
    """A step with one wait in it."""

    def __init__(self, *, timeout: timedelta = timedelta(minutes=5), failure: CdcFailure | None = None, **kwargs: Any):
        super().__init__(**kwargs)
        self.timeout = timeout
        self.failure = failure
        self.runs = 0

    def step(self, migration, context) -> Outcome:
        self.runs += 1
        if self.failure:
            raise self.failure
        self.wait_for(Scripted("step"), context, timeout=self.timeout, poll_seconds=0.01)
        return Outcome(changes=("made it",), facts={"name": migration.name}, warnings=("mind the gap",))


class TaskInstance:
    """What a step needs of Airflow's task instance."""

    def __init__(self, *, started: datetime | None = None) -> None:
        self.start_date = started or datetime.now(UTC)
        self.pushed: dict[str, Any] = {}

    def xcom_push(self, key: str, value: Any) -> None:
        self.pushed[key] = value


def context(ti: TaskInstance | None = None) -> dict[str, Any]:
    return {"params": {}, "ti": ti or TaskInstance()}


def looks(*answers: Look | Exception) -> None:
    LOOKS["step"] = list(answers)


WAITING = Look(done=False, progress="waiting")
DONE = Look(done=True, progress="done")


def step(**kwargs: Any) -> Step:
    return Step(task_id="step", migration={"name": "orders"}, **kwargs)


def test_a_step_tells_what_it_changed_and_how_long_it_took():
    looks(DONE)

    told = step().execute(context(TaskInstance(started=datetime.now(UTC) - timedelta(seconds=5))))

    assert told["changes"] == ["made it"]
    assert told["facts"] == {"name": "orders"}
    assert told["warnings"] == ["mind the gap"]
    assert told["seconds"] >= 5


def test_a_short_wait_is_done_in_place():
    looks(WAITING, WAITING, DONE)

    assert step().execute(context())["changes"] == ["made it"]


def test_a_look_that_fails_twice_ends_no_wait():
    looks(WAITING, ConnectionError("reset"), ConnectionError("reset"), DONE)

    assert step().execute(context())["changes"] == ["made it"]


def test_the_third_look_in_a_row_that_fails_is_left_to_retries():
    looks(ConnectionError("first"), ConnectionError("second"), ConnectionError("third"), DONE)

    with pytest.raises(ConnectionError, match="third"):
        step().execute(context())


def test_a_refusal_is_not_looked_at_again():
    looks(NotOurs(found="a stranger's", expected="ours", next="look"), DONE)

    with pytest.raises(AirflowFailException, match="a stranger's"):
        step().execute(context())


def test_a_long_wait_is_deferred_with_what_the_triggerer_needs():
    looks(WAITING)

    with pytest.raises(TaskDeferred) as deferred:
        step(patience_seconds=0).execute(context())

    path, kwargs = deferred.value.trigger.serialize()
    assert path == "pg_cdc.triggers.wait.WaitTrigger"
    assert kwargs["wait"].endswith("test_base:Scripted")
    assert kwargs["arguments"] == {"script": "step"}
    assert deferred.value.method_name == "resume"


def test_a_deferral_ends_later_than_the_wait_itself_so_that_our_own_message_is_seen():
    looks(WAITING)

    with pytest.raises(TaskDeferred) as deferred:
        step(patience_seconds=0, timeout=timedelta(minutes=1)).execute(context())

    assert timedelta(minutes=1) < deferred.value.timeout < timedelta(minutes=4)


def test_after_a_wait_the_step_runs_again_and_trusts_no_event():
    looks(DONE)
    operator = step()

    told = operator.resume(context(), {"end": "done"})

    assert operator.runs == 1
    assert told["changes"] == ["made it"]


def test_a_wait_that_could_not_look_is_left_to_retries():
    with pytest.raises(NotYet, match="EndpointConnectionError"):
        step().resume(context(), {"end": "error", "text": "EndpointConnectionError: no route"})


def test_what_is_left_to_retries_has_some_unless_the_dag_says_otherwise():
    assert step().retries == 3
    assert step(retries=0).retries == 0
    assert step(default_args={"retries": 7}).retries == 7


def test_a_wait_past_its_time_fails_with_the_last_progress():
    looks(Look(done=False, progress="3 of 7 tables loaded"))
    ti = TaskInstance(started=datetime.now(UTC) - timedelta(minutes=10))

    with pytest.raises(AirflowFailException, match="3 of 7 tables loaded") as failure:
        step(timeout=timedelta(minutes=5)).execute(context(ti))

    assert isinstance(failure.value.__cause__, WaitedTooLong)


def test_a_refusal_fails_at_once_and_is_kept_for_the_report():
    refusal = NotOurs(
        found="endpoint without our tag", expected="tag pg-cdc:migration=orders", next="set adopt_existing"
    )
    ti = TaskInstance()

    with pytest.raises(AirflowFailException, match="adopt_existing"):
        step(failure=refusal).execute(context(ti))

    assert ti.pushed["failure"] == {
        "kind": "NotOurs",
        "found": "endpoint without our tag",
        "expected": "tag pg-cdc:migration=orders",
        "next": "set adopt_existing",
    }


async def events(*answers: Look | Exception, seconds: float = 60) -> list[dict[str, Any]]:
    looks(*answers)
    deadline = datetime.now(UTC).timestamp() + seconds
    trigger = WaitTrigger(
        wait=Scripted("step").classpath, arguments={"script": "step"}, poll_seconds=0.01, deadline=deadline
    )
    return [event.payload async for event in trigger.run()]


@pytest.mark.parametrize(
    ("answers", "end"),
    [
        pytest.param([WAITING, DONE], "done", id="done"),
        pytest.param([OSError("a"), OSError("b"), DONE], "done", id="two-errors-in-a-row-are-survived"),
        pytest.param(
            [OSError("a"), WAITING, OSError("b"), OSError("c"), DONE], "done", id="only-errors-in-a-row-are-counted"
        ),
        pytest.param([OSError("a"), OSError("b"), OSError("c")], "error", id="three-errors-in-a-row-end-it"),
    ],
)
async def test_the_trigger_ends_with(answers, end):
    (event,) = await events(*answers)

    assert event["end"] == end


@pytest.mark.parametrize(("poll_seconds", "first"), [(15, 2), (1, 1)])
async def test_the_trigger_lets_the_worker_end_before_it_looks(monkeypatch, poll_seconds, first):
    slept = []

    async def sleep(seconds):
        slept.append(seconds)

    monkeypatch.setattr("pg_cdc.triggers.wait.asyncio.sleep", sleep)
    looks(WAITING, DONE)
    trigger = WaitTrigger(
        wait=Scripted("step").classpath, arguments={"script": "step"}, poll_seconds=poll_seconds, deadline=2e10
    )
    payloads = [event.payload async for event in trigger.run()]

    assert payloads == [{"end": "done"}]
    assert slept == [first, poll_seconds]


async def test_the_trigger_ends_at_its_deadline_even_when_nothing_moves():
    (event,) = await events(WAITING, seconds=0.05)

    assert event == {"end": "late", "text": "waiting"}


def test_the_trigger_is_rebuilt_from_what_it_serialises():
    trigger = WaitTrigger(wait="a:B", arguments={"x": 1}, poll_seconds=3.0, deadline=9.0)

    _, kwargs = trigger.serialize()

    assert WaitTrigger(**kwargs).serialize() == trigger.serialize()
