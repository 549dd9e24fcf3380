import json

import pytest
from rich.console import Console

from sandbox.demo.compare import Verdict
from sandbox.demo.ending import Ending, note_in_report, print_ending
from sandbox.demo.progress import Progress, Step, View, steps_of, summary

EQUAL = Verdict(schema="shop", table="orders_2026_q1", source_rows=3, target_rows=3)
DIFFERENT = Verdict(schema="shop", table="stock", source_rows=3, target_rows=2, reason="3 rows on the source, 2 …")


def row(task_id, state, start=None, end=None):
    return {"task_id": task_id, "state": state, "start_date": start, "end_date": end}


def test_steps_come_in_the_order_they_began_and_the_waiting_last():
    steps = steps_of(
        [
            row("report", None),
            row("plan", "success", "2026-01-01T00:00:05Z", "2026-01-01T00:00:07.5Z"),
            row("preflight", "success", "2026-01-01T00:00:01Z", "2026-01-01T00:00:02Z"),
        ]
    )

    assert [(step.task_id, step.state, step.seconds) for step in steps] == [
        ("preflight", "success", 1.0),
        ("plan", "success", 2.5),
        ("report", "waiting", None),
    ]


def test_the_summary_has_steps_rows_lag_and_writer():
    view = View(
        steps=(Step(task_id="plan", state="success", seconds=1), Step(task_id="report", state="waiting", seconds=None)),
        tables={"stock": ("Full load", 1200), "orders": ("Table completed", 34)},
        lag_bytes=4096,
        transactions=77,
        cut_seconds=1.5,
    )

    assert summary(view, 12.3) == (
        " 12.3 s · steps 1/2 · rows 1,234 · lag 4,096 B · application 77 transactions · cut off for 1.5 s"
    )


def test_without_a_terminal_each_step_is_one_line(capsys):
    with Progress(Console(width=100)) as progress:
        for state in ("running", "success", "success"):
            progress.show(View(steps=(Step(task_id="plan", state=state, seconds=1.0),)))

    assert capsys.readouterr().out.count("plan") == 1


@pytest.mark.parametrize(
    ("ending", "equal"),
    [
        pytest.param(Ending(verdicts=(EQUAL,)), True, id="all-equal"),
        pytest.param(Ending(verdicts=(EQUAL, DIFFERENT)), False, id="one-differs"),
        pytest.param(Ending(), False, id="nothing-compared"),
        pytest.param(Ending(verdicts=(EQUAL,), problem="no slot"), False, id="not-drained"),
    ],
)
def test_an_ending_is_equal_only_when_something_was_compared_and_all_of_it_is(ending, equal):
    assert ending.equal is equal


def test_verdicts_go_into_the_report_beside_what_is_there(tmp_path):
    path = tmp_path / "latest.json"
    path.write_text(json.dumps({"status": "streaming", "tables": [{"schema": "shop", "table": "stock", "state": "x"}]}))

    report = note_in_report(path, Ending(verdicts=(EQUAL, DIFFERENT), lsn="0/1"))

    assert report == json.loads(path.read_text())
    assert "| orders_2026_q1 | 3 | 3 | equal |" in path.with_suffix(".md").read_text()
    assert report["status"] == "streaming"
    assert report["comparison"]["equal"] is False
    assert {table["table"]: (table.get("state"), table["verdict"]) for table in report["tables"]} == {
        "stock": ("x", DIFFERENT.reason),
        "orders_2026_q1": (None, "equal"),
    }


def test_without_a_report_nothing_is_written(tmp_path):
    assert note_in_report(tmp_path / "latest.json", Ending(verdicts=(EQUAL,))) == {}
    assert list(tmp_path.iterdir()) == []


def test_a_reason_is_printed_and_a_problem_too(capsys):
    print_ending(Console(width=140), Ending(verdicts=(EQUAL, DIFFERENT), lsn="0/1"))
    print_ending(Console(width=140), Ending(problem="the source has no logical slot"))

    printed = capsys.readouterr().out
    assert "equal" in printed
    assert DIFFERENT.reason in printed
    assert "Not compared: the source has no logical slot" in printed
