"""The report says streaming only of a proved stream, and names the step that ended a run and why."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from pg_cdc.config import MigrationType
from pg_cdc.decisions.markdown import bullets, section, table
from pg_cdc.decisions.report import Failure, Report, Status, Step, as_json, as_markdown, judge_run

ACTIVE = {"name": "s", "plugin": "pglogical", "active": True, "retained_bytes": 8}
FINDING = {"found": "wal_level replica", "expected": "logical", "next": "reboot"}
PROVED = {"preflight": "success", "wait_full_load": "success", "wait_streaming": "success", "release_lease": "success"}


def steps(**states: str | None) -> tuple[Step, ...]:
    return tuple(Step(task_id=task, state=state, seconds=1.0) for task, state in {**PROVED, **states}.items())


def judge(given, *, kind="full-load-and-cdc", dry_run=False, rejected=False, slot=ACTIVE):
    return judge_run(given, migration_type=MigrationType(kind), dry_run=dry_run, rejected=rejected, slot=slot)


@pytest.mark.parametrize(
    ("given", "options", "status", "step"),
    [
        pytest.param(steps(), {}, "streaming", None, id="proved"),
        pytest.param(steps(), {"slot": {**ACTIVE, "active": False}}, "failed", "report", id="proved-once-and-idle-now"),
        pytest.param(steps(), {"slot": {}}, "failed", "report", id="no-slot-to-be-found"),
        pytest.param(steps(wait_streaming="skipped"), {}, "failed", "wait_streaming", id="proof-skipped"),
        pytest.param(steps(wait_streaming=None), {}, "failed", "wait_streaming", id="proof-not-run"),
        pytest.param(steps(), {"kind": "full-load", "slot": {}}, "loaded", None, id="a-full-load-needs-no-slot"),
        pytest.param(
            steps(wait_full_load="skipped"), {"kind": "full-load"}, "failed", "wait_full_load", id="not-loaded"
        ),
        pytest.param(steps(), {"kind": "cdc"}, "streaming", None, id="changes-only"),
        pytest.param(steps(wait_streaming="skipped"), {"dry_run": True}, "planned", None, id="dry-run"),
        pytest.param(steps(preflight="failed"), {"dry_run": True}, "failed", "preflight", id="dry-run-that-failed"),
        pytest.param(steps(wait_streaming="skipped"), {"rejected": True}, "rejected", None, id="rejected"),
        pytest.param(
            steps(preflight="failed", wait_full_load="upstream_failed", wait_streaming="upstream_failed"),
            {},
            "failed",
            "preflight",
            id="the-first-to-fail-is-to-blame",
        ),
        pytest.param(steps(release_lease="failed"), {}, "failed", "release_lease", id="a-failure-after-the-proof"),
        pytest.param(
            steps(wait_full_load="upstream_failed"), {}, "failed", "wait_full_load", id="blocked-by-the-unseen"
        ),
    ],
)
def test_a_run_comes_to(given, options, status, step):
    judged, failure = judge(given, **options)

    assert judged == status
    assert (failure.step if failure else None) == step


def test_a_failure_carries_what_was_found_expected_and_next():
    failed = replace(steps()[0], state="failed", failure=FINDING)

    _, failure = judge((failed, *steps()[1:]))

    assert failure.reason == "found wal_level replica; expected logical; next reboot"


def test_a_failure_without_a_finding_points_to_the_log():
    assert "log" in judge(steps(preflight="failed"))[1].reason


REPORT = Report(
    migration="shop",
    status=Status.STREAMING,
    source={"identifier": "shop", "database": "shop"},
    target={"identifier": None, "host": "db.example.org", "database": "copy"},
    parameters=[{"name": "max_wal_senders", "before": "10", "after": "20", "apply_type": "static"}],
    reboots=[{"instance": "shop-1", "reason": "pending-reboot", "seconds": 31.0}],
    tables=[{"schema": "shop", "table": "a|b", "state": "Table completed", "source_rows": 5, "target_rows": None}],
    slot=ACTIVE,
    marker={"seconds": 1.5},
    warnings=["mind\nthe gap"],
    steps=[{"task_id": "plan", "state": "success", "seconds": 1.0}],
)


def test_json_has_the_fields_that_others_read():
    values = json.loads(json.dumps(as_json(REPORT)))

    fields = "migration status source target parameters reboots tables slot marker warnings steps"
    assert set(values) == set(fields.split())
    assert values["status"] == "streaming"
    assert set(values["tables"][0]) == {"schema", "table", "state", "source_rows", "target_rows"}
    assert values["slot"] == ACTIVE


def test_json_of_a_failed_run_names_step_and_reason():
    failed = replace(REPORT, status=Status.FAILED, failure=Failure(step="plan", reason="why"))

    assert as_json(failed)["failure"] == {"step": "plan", "reason": "why"}


def test_markdown_tells_people_the_same():
    text = as_markdown(REPORT)

    assert text.startswith("# Migration shop: streaming\n\nFrom shop, database shop to db.example.org, database copy.")
    assert "| shop | a\\|b | Table completed | 5 |  |" in text
    assert "after 1.5 s" in text


def test_markdown_of_a_failed_run_leads_with_the_failure():
    failed = replace(REPORT, status=Status.FAILED, failure=Failure(step="plan", reason="why"))

    assert "**Stopped at `plan`**: why" in as_markdown(failed).split("##")[0]


def test_markdown_of_a_dry_run_holds_the_plan():
    assert as_markdown(Report(migration="m", status=Status.PLANNED, plan="# Plan of migration m")).endswith(
        "# Plan of migration m\n"
    )


def test_a_report_of_nothing_is_still_a_report():
    text = as_markdown(Report(migration="m", status=Status.FAILED))

    assert (
        text
        == "# Migration m: failed\n\nFrom an unknown server, database unknown to an unknown server, database unknown.\n"
    )


@pytest.mark.parametrize(
    ("value", "cell"),
    [(None, ""), (True, "yes"), (False, "no"), (0, "0"), ("a|b", "a\\|b"), ("a\nb", "a b")],
)
def test_a_cell_survives_what_is_put_in_it(value, cell):
    assert table(("x",), [{"x": value}]).splitlines()[-1] == f"| {cell} |"


def test_what_is_empty_is_left_out():
    assert section("Title", table(("x",), [])) == ""
    assert bullets([]) == ""
