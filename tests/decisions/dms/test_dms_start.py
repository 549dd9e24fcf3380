"""The start type follows from the task's history: a second full load is never begun by accident."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pg_cdc.decisions.dms.start import SlotFate, StartAction, choose_start
from pg_cdc.decisions.dms.task import LoadStats, Task
from tests.decisions.dms.test_full_load import BY_HAND, FATAL, FINISHED, HALF, LOADED_ONLY, NEVER, WORLDS

STOPPED = Task(identifier="pg-cdc-shop", arn="arn:task", status="stopped", stop_reason=BY_HAND, stats=FINISHED)
FAILED = replace(STOPPED, status="failed", stop_reason=FATAL, last_failure=FATAL)


@pytest.mark.parametrize(
    ("task", "action"),
    [
        pytest.param(replace(STOPPED, status="ready", stats=NEVER), StartAction.START, id="never-run"),
        pytest.param(replace(FAILED, stats=NEVER), StartAction.START, id="failed-before-it-ever-ran"),
        pytest.param(replace(STOPPED, status="running"), StartAction.NOTHING, id="running"),
        pytest.param(replace(STOPPED, status="starting"), StartAction.NOTHING, id="starting"),
        pytest.param(replace(STOPPED, status="creating", stats=NEVER), StartAction.WAIT, id="creating"),
        pytest.param(replace(STOPPED, status="modifying"), StartAction.WAIT, id="modifying"),
        pytest.param(replace(STOPPED, status="stopping"), StartAction.WAIT, id="stopping"),
        pytest.param(replace(STOPPED, status="deleting"), StartAction.REFUSE, id="deleting"),
        pytest.param(STOPPED, StartAction.RESUME, id="stopped-by-hand-after-the-load"),
        pytest.param(replace(STOPPED, stats=HALF), StartAction.RESUME, id="stopped-by-hand-half-way"),
        pytest.param(replace(STOPPED, stop_reason=""), StartAction.RESUME, id="stopped-without-a-reason"),
        pytest.param(
            replace(STOPPED, stop_reason="Stop Reason RECOVERABLE_ERROR"), StartAction.RESUME, id="recoverable-error"
        ),
        pytest.param(
            replace(STOPPED, stop_reason="Stop Reason STOPPED_AFTER_CACHED_EVENTS"), StartAction.RESUME, id="cached"
        ),
        pytest.param(replace(FAILED, stats=HALF), StartAction.RELOAD, id="failed-half-way"),
        pytest.param(
            replace(FAILED, stats=replace(FINISHED, loaded=0)), StartAction.RELOAD, id="failed-100-of-0-tables"
        ),
        pytest.param(FAILED, StartAction.RESUME, id="failed-after-the-load"),
        pytest.param(replace(STOPPED, status="failed-move"), StartAction.RESUME, id="failed-move"),
        pytest.param(
            replace(FAILED, migration_type="cdc", stats=HALF), StartAction.RESUME, id="cdc-only-never-reloads"
        ),
        pytest.param(
            replace(STOPPED, migration_type="full-load", stop_reason=LOADED_ONLY),
            StartAction.NOTHING,
            id="load-finished",
        ),
        pytest.param(
            replace(STOPPED, migration_type="full-load", stop_reason=LOADED_ONLY, stats=replace(FINISHED, errored=1)),
            StartAction.RESUME,
            id="load-finished-with-a-table-in-error",
        ),
    ],
)
def test_choose_start(task, action):
    choice = choose_start(task)

    assert choice.action is action
    assert choice.reason


@pytest.mark.parametrize(
    ("task", "fate", "action"),
    [
        pytest.param(STOPPED, SlotFate.LOST, StartAction.RELOAD, id="stopped-and-the-slot-is-lost"),
        pytest.param(FAILED, SlotFate.LOST, StartAction.RELOAD, id="failed-and-the-slot-is-lost"),
        pytest.param(FAILED, SlotFate.KEPT, StartAction.RESUME, id="failed-and-the-slot-is-kept"),
        pytest.param(replace(FAILED, migration_type="cdc"), SlotFate.LOST, StartAction.REFUSE, id="cdc-only-cannot"),
        pytest.param(
            replace(STOPPED, status="running"), SlotFate.LOST, StartAction.NOTHING, id="running-is-left-alone"
        ),
    ],
)
def test_a_lost_slot_cannot_be_resumed(task, fate, action):
    assert choose_start(task, fate).action is action


@given(task=WORLDS, fate=st.sampled_from(SlotFate))
def test_start_replication_is_only_for_a_task_that_never_ran(task, fate):
    if choose_start(task, fate).action is StartAction.START:
        assert not task.stats.ever_started


@given(task=WORLDS, fate=st.sampled_from(SlotFate))
def test_a_task_that_moves_is_never_started_and_cdc_only_is_never_reloaded(task, fate):
    action = choose_start(task, fate).action

    if task.status not in ("ready", "stopped", "failed", "failed-move"):
        assert not action.starts
    if task.migration_type == "cdc":
        assert action is not StartAction.RELOAD


def test_a_start_date_alone_says_that_it_ran():
    assert choose_start(replace(STOPPED, stats=LoadStats(started="2026-11-20T10:00:00"))).action is StartAction.RESUME
