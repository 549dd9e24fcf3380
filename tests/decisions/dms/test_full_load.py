"""A full load is done only when every table is; everything else has its own name."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pg_cdc.decisions.dms.full_load import (
    COMPLETED,
    LoadState,
    bad_tables,
    describe_load,
    judge_full_load,
    load_has_ended,
)
from pg_cdc.decisions.dms.task import LoadStats, TableStatistics, Task

FINISHED = LoadStats(progress=100, loaded=2, fresh_start="2026-11-20T10:00:00", started="2026-11-20T10:00:00")
HALF = replace(FINISHED, progress=50, loaded=1, loading=1)
NEVER = LoadStats()
RUNNING = Task(identifier="pg-cdc-shop", arn="arn:task", status="running", stats=FINISHED)
ORDERS = TableStatistics(schema="shop", table="orders", state=COMPLETED, load_rows=10)
ITEMS = TableStatistics(schema="shop", table="items", state=COMPLETED, load_rows=20)
BOTH = (ORDERS, ITEMS)

BY_HAND = "Stop Reason NORMAL"
LOADED_ONLY = "Stop Reason FULL_LOAD_ONLY_FINISHED"
FATAL = "Last Error  No tables were found at task initialization. Stop Reason FATAL_ERROR Error Level FATAL"


def table(state: str, **change) -> TableStatistics:
    return replace(ITEMS, state=state, **change)


@pytest.mark.parametrize(
    ("change", "tables", "state"),
    [
        pytest.param({}, BOTH, LoadState.DONE, id="every-table-completed"),
        pytest.param({"stats": HALF}, (ORDERS, table("Full load")), LoadState.LOADING, id="a-table-is-loading"),
        pytest.param(
            {"stats": replace(FINISHED, queued=1)}, BOTH, LoadState.LOADING, id="100-percent-with-a-table-queued"
        ),
        pytest.param({}, (ORDERS, table("Full load")), LoadState.LOADING, id="the-table-says-loading-the-stats-do-not"),
        pytest.param({}, (ORDERS, table("Before load")), LoadState.LOADING, id="a-table-not-begun"),
        pytest.param({}, (ORDERS, table("Table is being reloaded")), LoadState.LOADING, id="a-table-reloaded"),
        pytest.param({}, (), LoadState.LOADING, id="loaded-tables-not-seen-in-the-statistics-yet"),
        pytest.param({}, (ORDERS,), LoadState.LOADING, id="one-of-two-loaded-tables-not-seen-yet"),
        pytest.param({"stats": NEVER}, (), LoadState.LOADING, id="running-without-statistics-yet"),
        pytest.param({"status": "starting", "stats": NEVER}, (), LoadState.LOADING, id="starting"),
        pytest.param({"status": "stopping", "stats": HALF}, (), LoadState.LOADING, id="stopping"),
        pytest.param({}, (ORDERS, table("Table error")), LoadState.DONE_WITH_ERRORS, id="a-table-in-error"),
        pytest.param({}, (ORDERS, table("Table cancelled")), LoadState.DONE_WITH_ERRORS, id="a-table-cancelled"),
        pytest.param({}, (ORDERS, table("Table does not exist")), LoadState.DONE_WITH_ERRORS, id="a-table-missing"),
        pytest.param({}, (ORDERS, table("Suspended")), LoadState.DONE_WITH_ERRORS, id="a-state-nobody-told-us-of"),
        pytest.param({}, (ORDERS, table(COMPLETED, load_error_rows=1)), LoadState.DONE_WITH_ERRORS, id="a-row-lost"),
        pytest.param(
            {"stats": replace(FINISHED, errored=1)}, BOTH, LoadState.DONE_WITH_ERRORS, id="errored-by-the-stats-alone"
        ),
        pytest.param(
            {"stats": replace(FINISHED, loaded=0)}, (), LoadState.FAILED, id="100-percent-of-no-table-is-no-success"
        ),
        pytest.param({"status": "failed", "stop_reason": FATAL}, (), LoadState.FAILED, id="failed"),
        pytest.param(
            {"status": "failed", "stats": NEVER, "stop_reason": FATAL}, (), LoadState.FAILED, id="failed-at-init"
        ),
        pytest.param({"status": "failed"}, BOTH, LoadState.FAILED, id="failed-without-a-reason"),
        pytest.param({"status": "ready", "stats": NEVER}, (), LoadState.NEVER_STARTED, id="ready"),
        pytest.param({"status": "creating", "stats": NEVER}, (), LoadState.NEVER_STARTED, id="creating"),
        pytest.param({"status": "stopped", "stats": NEVER}, (), LoadState.NEVER_STARTED, id="stopped-and-never-run"),
        pytest.param(
            {"status": "stopped", "stop_reason": BY_HAND}, BOTH, LoadState.STOPPED_BY_HAND, id="by-hand-after"
        ),
        pytest.param(
            {"status": "stopped", "stop_reason": BY_HAND, "stats": HALF},
            (ORDERS, table("Full load")),
            LoadState.STOPPED_BY_HAND,
            id="by-hand-half-way",
        ),
        pytest.param({}, (ORDERS, table("")), LoadState.DONE_WITH_ERRORS, id="a-table-of-which-no-state-is-given"),
        pytest.param({"status": "stopped"}, BOTH, LoadState.FAILED, id="stopped-without-a-reason"),
        pytest.param({"status": "stopped", "stop_reason": FATAL}, BOTH, LoadState.FAILED, id="stopped-as-fatal"),
        pytest.param(
            {"status": "stopped", "stop_reason": "Stop Reason RECOVERABLE_ERROR Error Level RECOVERABLE"},
            BOTH,
            LoadState.FAILED,
            id="stopped-as-recoverable",
        ),
        pytest.param(
            {"status": "stopped", "stop_reason": "Stop Reason STOPPED_AFTER_CACHED_EVENTS"},
            BOTH,
            LoadState.STOPPED_FOR_CACHED_CHANGES,
            id="cached-changes-applied",
        ),
        pytest.param(
            {"status": "stopped", "stop_reason": "Stop Reason STOPPED_AFTER_FULL_LOAD"},
            BOTH,
            LoadState.STOPPED_FOR_CACHED_CHANGES,
            id="cached-changes-not-applied",
        ),
        pytest.param(
            {"status": "stopped", "stop_reason": "Stop Reason STOPPED_AFTER_FULL_LOAD"},
            (ORDERS, table("Table error")),
            LoadState.DONE_WITH_ERRORS,
            id="cached-changes-and-a-table-in-error",
        ),
    ],
)
def test_a_full_load_and_cdc_task_is(change, tables, state):
    verdict = judge_full_load(replace(RUNNING, **change), tables)

    assert verdict.state is state
    assert verdict.reason


@pytest.mark.parametrize(
    ("change", "tables", "state"),
    [
        pytest.param({}, BOTH, LoadState.DONE, id="finished"),
        pytest.param({"stats": replace(FINISHED, errored=1)}, BOTH, LoadState.DONE_WITH_ERRORS, id="finished-errored"),
        pytest.param({}, (ORDERS, table("Full load")), LoadState.DONE_WITH_ERRORS, id="finished-with-one-unfinished"),
        pytest.param({"stats": replace(FINISHED, loaded=0)}, (), LoadState.FAILED, id="finished-with-nothing"),
    ],
)
def test_a_full_load_only_task_that_stopped_is(change, tables, state):
    task = replace(RUNNING, status="stopped", migration_type="full-load", stop_reason=LOADED_ONLY)

    assert judge_full_load(replace(task, **change), tables).state is state


@pytest.mark.parametrize(
    ("change", "tables", "state"),
    [
        pytest.param({}, (), LoadState.DONE, id="running"),
        pytest.param({}, (table("Table error"),), LoadState.DONE_WITH_ERRORS, id="a-table-in-error"),
        pytest.param({"status": "failed", "stop_reason": FATAL}, (), LoadState.FAILED, id="failed"),
        pytest.param({"status": "ready", "stats": NEVER}, (), LoadState.NEVER_STARTED, id="ready"),
    ],
)
def test_a_cdc_only_task_has_nothing_to_load_and_is(change, tables, state):
    assert judge_full_load(replace(RUNNING, migration_type="cdc", **change), tables).state is state


def test_the_bad_tables_are_named_with_what_is_wrong():
    tables = (ORDERS, table("Table error"), table(COMPLETED, table="prices", load_error_rows=3))

    assert bad_tables(tables) == ("shop.items: Table error", "shop.prices: 3 rows not loaded")


def test_a_failure_is_told_in_the_words_of_dms():
    verdict = judge_full_load(replace(RUNNING, status="failed", last_failure=FATAL), ())

    assert verdict.reason == FATAL


def test_a_load_is_described_in_one_line():
    assert describe_load(HALF) == "50 %, 1 tables loaded, 1 loading, 0 queued, 0 in error"


@pytest.mark.parametrize(
    ("change", "ended"),
    [
        pytest.param({}, True, id="100-percent"),
        pytest.param({"stats": HALF}, False, id="half"),
        pytest.param({"stats": NEVER}, False, id="no-statistics-yet"),
        pytest.param({"status": "starting"}, False, id="starting"),
        pytest.param({"status": "creating"}, False, id="creating"),
        pytest.param({"status": "stopped"}, True, id="stopped-between-two-looks"),
        pytest.param({"status": "failed"}, True, id="failed"),
        pytest.param({"status": "ready"}, True, id="ready-will-not-move-by-waiting"),
        pytest.param({"status": "running", "migration_type": "cdc", "stats": NEVER}, True, id="cdc-only"),
    ],
)
def test_waiting_for_the_load_ends(change, ended):
    assert load_has_ended(replace(RUNNING, **change)) is ended


STATES = st.sampled_from(
    [COMPLETED, "Before load", "Full load", "Table error", "Table cancelled", "Table does not exist", "Suspended", ""]
)
TABLES = st.lists(
    st.builds(
        TableStatistics,
        schema=st.just("shop"),
        table=st.text("abc", min_size=1, max_size=3),
        state=STATES,
        load_error_rows=st.integers(0, 2),
    ),
    max_size=4,
)
COUNT = st.integers(0, 3)
WORLDS = st.builds(
    Task,
    identifier=st.just("pg-cdc-shop"),
    arn=st.just("arn:task"),
    status=st.sampled_from(
        ["creating", "ready", "starting", "running", "stopping", "stopped", "failed", "modifying", "testing", "moving"]
    ),
    migration_type=st.sampled_from(["full-load", "full-load-and-cdc", "cdc"]),
    stop_reason=st.sampled_from(["", BY_HAND, LOADED_ONLY, FATAL, "Stop Reason STOPPED_AFTER_CACHED_EVENTS"]),
    stats=st.builds(
        LoadStats,
        progress=st.sampled_from([0, 50, 100]),
        loaded=COUNT,
        loading=COUNT,
        queued=COUNT,
        errored=COUNT,
        fresh_start=st.sampled_from([None, "2026-11-20T10:00:00"]),
    ),
)


@given(task=WORLDS, tables=TABLES)
def test_no_world_with_a_bad_table_is_done(task, tables):
    verdict = judge_full_load(task, tables)

    if any(t.state not in (COMPLETED, "Before load", "Full load") or t.load_error_rows for t in tables):
        assert verdict.state is not LoadState.DONE


@given(task=WORLDS, tables=TABLES)
def test_done_means_running_or_finished_with_every_loaded_table_seen(task, tables):
    if judge_full_load(task, tables).state is not LoadState.DONE or task.migration_type == "cdc":
        return

    assert task.status == "running" or LOADED_ONLY in task.stop_reason
    assert task.stats.errored == 0
    assert tables
    assert all(t.state == COMPLETED for t in tables)
    assert len(tables) >= task.stats.loaded


@given(task=WORLDS, tables=TABLES)
def test_every_world_has_a_verdict_with_a_reason(task, tables):
    assert judge_full_load(task, tables).reason
