"""Which runs of slot hygiene act: those of the present, and none else."""

from __future__ import annotations

import pytest

from pg_cdc.decisions.slots.run import run_mode

MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0
NOW = 1_800_000_000.0
QUARTER = 15 * MINUTE


@pytest.mark.parametrize(
    ("run_type", "ended_ago", "acts"),
    [
        pytest.param("scheduled", 0, True, id="scheduled-now"),
        pytest.param("scheduled", 30 * MINUTE, True, id="late-by-as-much-as-is-allowed"),
        pytest.param("scheduled", 30 * MINUTE + 1, False, id="later"),
        pytest.param("scheduled", 7 * DAY, False, id="an-old-run-cleared-today"),
        pytest.param("scheduled", None, True, id="a-schedule-without-intervals"),
        pytest.param("scheduled", -30 * MINUTE, True, id="clocks-that-differ"),
        pytest.param("scheduled", -31 * MINUTE, False, id="of-the-future"),
        pytest.param("manual", None, True, id="by-hand"),
        pytest.param("manual", 10 * MINUTE, True, id="by-hand-of-the-last-interval"),
        pytest.param("manual", 7 * DAY, False, id="by-hand-of-last-week"),
        pytest.param("asset_triggered", None, True, id="by-an-asset"),
        pytest.param("operator_triggered", 0, True, id="by-another-dag"),
        pytest.param("backfill", 0, False, id="a-backfill-of-the-present"),
        pytest.param("backfill", 7 * DAY, False, id="a-backfill"),
        pytest.param("backfill", None, False, id="a-backfill-without-an-interval"),
        pytest.param("of a later Airflow", 0, False, id="a-type-nobody-knows"),
        pytest.param("", 0, False, id="no-type"),
    ],
)
def test_a_run_acts(run_type, ended_ago, acts):
    end = None if ended_ago is None else NOW - ended_ago

    mode = run_mode(run_type, end, NOW, QUARTER)

    assert mode.acts is acts
    assert mode.why


@pytest.mark.parametrize(
    ("every", "ended_ago", "acts"),
    [
        pytest.param(DAY, 2 * DAY, True, id="a-daily-run-may-be-two-days-late"),
        pytest.param(DAY, 2 * DAY + 1, False, id="and-no-more"),
        pytest.param(MINUTE, 30 * MINUTE, True, id="a-run-a-minute-may-be-half-an-hour-late"),
        pytest.param(0, 30 * MINUTE, True, id="so-may-one-whose-schedule-is-not-known"),
    ],
)
def test_how_late_a_run_may_be_follows_from_how_often_it_runs(every, ended_ago, acts):
    assert run_mode("scheduled", NOW - ended_ago, NOW, every).acts is acts


def test_waiting_for_a_human_does_not_make_a_run_old():
    assert not run_mode("scheduled", NOW - 5 * HOUR, NOW, QUARTER).acts
    assert run_mode("scheduled", NOW - 5 * HOUR, NOW, QUARTER, waited_seconds=5 * HOUR).acts


@pytest.mark.parametrize(
    ("run_type", "ended_ago", "words"),
    [
        pytest.param("scheduled", 0, "run of the present", id="present"),
        pytest.param("scheduled", 7 * DAY, "ended 7.0 days ago", id="past"),
        pytest.param("backfill", 0, "a backfill tells what was", id="backfill"),
        pytest.param("x", 0, "type 'x' is not known", id="unknown"),
    ],
)
def test_a_run_says_why(run_type, ended_ago, words):
    assert words in run_mode(run_type, NOW - ended_ago, NOW, QUARTER).why
