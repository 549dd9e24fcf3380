"""Before the first change: a dry run stops, and approval is asked for only when wanted."""

from __future__ import annotations

import pytest
from airflow.providers.standard.operators import hitl
from airflow.sdk.exceptions import DownstreamTasksSkipped

from pg_cdc.decisions.teardown.residue import Fate, Residue
from pg_cdc.operators.teardown.whole import ApproveTeardownOperator, StopIfNothingToDoOperator
from tests.airflow_shapes import TaskAwaitingInput
from tests.shell.test_approval import TaskInstance, answer, context, wired

SPEC = {"timeouts": {"approval_minutes": 5}}
LEFT = Residue(place="aws", kind="endpoint", name="x", fate=Fate.LEFT)


class Inspected(TaskInstance):
    def xcom_pull(self, task_ids, **_):
        return {"facts": {"markdown": "# Teardown of shop"}} if task_ids == "inspect_residue" else None


def asked(task, **params):
    ti = Inspected()
    return {**context(task), "ti": ti, "task_instance": ti, "params": params}


def test_nobody_is_asked_unless_the_form_says_so():
    task = wired(ApproveTeardownOperator, **SPEC)

    assert task.execute(asked(task))["facts"] == {"approval": "not asked for"}


def test_what_will_go_is_shown_beside_the_buttons(monkeypatch):
    seen = {}
    monkeypatch.setattr(hitl, "upsert_hitl_detail", lambda **given: seen.update(given))
    task = wired(ApproveTeardownOperator, **SPEC)

    with pytest.raises(TaskAwaitingInput):
        task.execute(asked(task, teardown_require_approval=True))

    assert seen["subject"] == "Approve the teardown of migration shop"
    assert seen["body"] == "# Teardown of shop"


def test_a_rejection_skips_what_follows():
    task = wired(ApproveTeardownOperator, **SPEC)

    with pytest.raises(DownstreamTasksSkipped):
        task.execute_complete(asked(task, teardown_require_approval=True), answer("Reject"))


@pytest.mark.parametrize(
    ("params", "lines", "why"),
    [
        pytest.param({}, [LEFT], "dry run", id="dry run is the default"),
        pytest.param({"teardown_dry_run": False}, [], "nothing to take down", id="nothing there"),
    ],
)
def test_a_run_that_changes_nothing_stops_before_it_takes_the_lease(monkeypatch, params, lines, why):
    monkeypatch.setattr("pg_cdc.facts.teardown.residue.read_residue", lambda *_, **__: tuple(lines))
    task = wired(StopIfNothingToDoOperator, **SPEC)
    given = asked(task, **params)

    with pytest.raises(DownstreamTasksSkipped):
        task.execute(given)

    assert given["ti"].pushed["return_value"]["facts"]["why"] == why


def test_a_run_with_something_to_do_goes_on(monkeypatch):
    monkeypatch.setattr("pg_cdc.facts.teardown.residue.read_residue", lambda *_, **__: (LEFT,))
    task = wired(StopIfNothingToDoOperator, **SPEC)

    assert task.execute(asked(task, teardown_dry_run=False))["facts"]["goes_on"] is True
