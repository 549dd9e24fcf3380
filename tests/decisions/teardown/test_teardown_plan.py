"""What a teardown came to."""

from __future__ import annotations

import pytest

from pg_cdc.config.teardown import Keep, Teardown
from pg_cdc.decisions.report import Step
from pg_cdc.decisions.teardown.plan import Ending, as_json, excused, has_work, judge_teardown
from pg_cdc.decisions.teardown.residue import Fate, Place, Residue, Trace, judge


def line(fate: Fate, *, blocked: bool = False) -> Residue:
    return Residue(place="aws", kind="endpoint", name="x", fate=fate, why="because", blocked=blocked)


FAILED = Step(task_id="delete_task", state="failed", seconds=1.0, failure={"found": "it is starting"})
GOOD = Step(task_id="stop_task", state="success", seconds=1.0)


@pytest.mark.parametrize(
    ("fates", "steps", "dry_run", "rejected", "ending"),
    [
        pytest.param([Fate.GONE, Fate.KEPT, Fate.FOREIGN], [GOOD], False, False, Ending.CLEAN, id="clean"),
        pytest.param([Fate.LEFT], [GOOD], False, False, Ending.FAILED, id="left"),
        pytest.param([Fate.UNCHECKED], [GOOD], False, False, Ending.FAILED, id="unchecked"),
        pytest.param([Fate.GONE], [FAILED], False, False, Ending.FAILED, id="a step failed"),
        pytest.param([Fate.LEFT], [GOOD], True, False, Ending.PLANNED, id="dry run"),
        pytest.param([Fate.UNCHECKED], [GOOD], True, False, Ending.FAILED, id="dry run that could not look"),
        pytest.param([Fate.LEFT], [GOOD], False, True, Ending.REJECTED, id="rejected"),
    ],
)
def test_only_nothing_left_and_all_checked_is_success(fates, steps, dry_run, rejected, ending):
    found, why = judge_teardown([line(fate) for fate in fates], steps, dry_run=dry_run, rejected=rejected)

    assert found is ending
    assert bool(why) is (ending is Ending.FAILED)


@pytest.mark.parametrize(
    ("lines", "work"),
    [
        ([], False),
        ([line(Fate.GONE), line(Fate.KEPT), line(Fate.FOREIGN), line(Fate.UNCHECKED)], False),
        ([line(Fate.LEFT, blocked=True)], False),
        ([line(Fate.LEFT)], True),
    ],
)
def test_a_teardown_goes_on_only_where_a_step_has_something_to_do(lines, work):
    assert has_work(lines) is work


def test_the_report_says_how_it_was_asked_for():
    teardown = Teardown(dry_run=False, keep=[Keep.DMS_ROLE])

    values = as_json("shop", [line(Fate.LEFT)], ending=Ending.FAILED, why=["left: x"], teardown=teardown)

    assert values["keep"] == ["dms_role"]
    assert values["counts"]["left"] == 1
    assert values["lines"][0]["fate"] == "left"


def unchecked(place: Place, kind: str = "role") -> Trace:
    return Trace(place=place, kind=kind, name="x", exists=None, detail="no answer")


@pytest.mark.parametrize(
    ("trace", "keep", "deleted", "fate"),
    [
        pytest.param(unchecked(Place.SOURCE), [Keep.SOURCE], True, Fate.GONE, id="deleted, and was to be kept"),
        pytest.param(unchecked(Place.SOURCE), [Keep.SOURCE], False, Fate.UNCHECKED, id="only unreachable"),
        pytest.param(unchecked(Place.SOURCE), [], True, Fate.UNCHECKED, id="deleted, nothing asked"),
        pytest.param(unchecked(Place.SOURCE), [Keep.TARGET], True, Fate.UNCHECKED, id="the other end asked"),
        pytest.param(unchecked(Place.AWS, "parameters"), [Keep.SOURCE], True, Fate.GONE, id="its parameters"),
        pytest.param(unchecked(Place.AWS, "endpoint"), [Keep.SOURCE], True, Fate.UNCHECKED, id="DMS"),
        pytest.param(unchecked(Place.TARGET), [Keep.TARGET], False, Fate.KEPT, id="target, to be kept"),
        pytest.param(unchecked(Place.TARGET), [], False, Fate.UNCHECKED, id="target, nothing asked"),
    ],
)
def test_an_end_that_was_to_be_kept_need_not_be_looked_at(trace, keep, deleted, fate):
    (found,) = excused([trace], Teardown(keep=keep), source_deleted=deleted)

    assert judge(found).fate is fate


@pytest.mark.parametrize(
    "about",
    [pytest.param({"ours": False}, id="a-strangers"), pytest.param({"keep": "kept as asked"}, id="one-to-be-kept")],
)
def test_of_what_is_gone_nothing_else_is_told(about):
    trace = Trace(place=Place.SOURCE, kind="schema", name="x", exists=False, detail="it has not our mark", **about)

    assert (judge(trace).fate, judge(trace).why) == (Fate.GONE, "")
