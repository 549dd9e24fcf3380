"""A premigration assessment is made once for one state of the task, and tells each failure with its own cure."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest

from pg_cdc.config import Migration
from pg_cdc.decisions.dms.assessment import (
    AssessAction,
    AssessmentRun,
    choose_assessment,
    fingerprint,
    is_run_name,
    not_applicable,
    start_request,
)
from pg_cdc.decisions.dms.assessment_cures import CODES, cure_of
from pg_cdc.decisions.dms.assessment_verdict import (
    Individual,
    as_values,
    judge_assessment,
    needs_cures,
    refusal,
    warnings,
)
from pg_cdc.decisions.dms.task import LoadStats, Task
from pg_cdc.decisions.preflight.findings import warning
from pg_cdc.decisions.report import Report, Status, as_json, as_markdown
from pg_cdc.failures import SpecInvalid
from pg_cdc.spec import migration_from_mapping
from tests.decisions.test_findings_page import PAGE

ROLE = "arn:aws:iam::123456789012:role/pg-cdc-dms-results"
GATE = {"bucket": "results", "service_access_role_arn": ROLE}
TASK = Task(identifier="pg-cdc-shop", arn="arn:task", status="ready", mappings={"rules": [{"rule-id": "1"}]})


def spec(**assessment) -> Migration:
    return Migration.model_validate({"assessment": {**GATE, **assessment}})


STEM = f"pg-cdc-shop-assess-{fingerprint(spec(), TASK)}"


def run(status: str, name: str = f"{STEM}-1", **more) -> AssessmentRun:
    return AssessmentRun(name=name, arn=f"arn:{name}", status=status, bucket="results", folder="pg-cdc", **more)


FOREIGN = run("passed", "made-by-hand")
OLDER = run("passed", "pg-cdc-shop-assess-00000000-1")


@pytest.mark.parametrize(
    ("case", "action", "about"),
    [
        pytest.param({}, AssessAction.START, f"{STEM}-1", id="never-assessed"),
        pytest.param({"runs": [FOREIGN, OLDER]}, AssessAction.START, f"{STEM}-1", id="only-other-states-were"),
        pytest.param({"runs": [run("passed")]}, AssessAction.JUDGE, f"{STEM}-1", id="passed-before"),
        pytest.param({"runs": [run("warning")]}, AssessAction.JUDGE, f"{STEM}-1", id="passed-with-warnings"),
        pytest.param({"runs": [run("running")]}, AssessAction.WAIT, f"{STEM}-1", id="under-way"),
        pytest.param({"runs": [run("provisioning", "by-hand")]}, AssessAction.WAIT, "by-hand", id="another-under-way"),
        pytest.param({"runs": [run("failed")]}, AssessAction.START, f"{STEM}-2", id="failed-and-cleared"),
        pytest.param({"runs": [run("failed")], "seen": True}, AssessAction.JUDGE, f"{STEM}-1", id="failed-just-now"),
        pytest.param({"runs": [run("failed")], "mode": "warn"}, AssessAction.JUDGE, f"{STEM}-1", id="failed-to-warn"),
        pytest.param({"runs": [run("error-executing")]}, AssessAction.START, f"{STEM}-2", id="could-not-be-made"),
        pytest.param(
            {"runs": [run("failed"), run("passed", f"{STEM}-2")]}, AssessAction.JUDGE, f"{STEM}-2", id="cured"
        ),
        pytest.param(
            {"runs": [run("passed", f"{STEM}-9"), run("failed", f"{STEM}-10")]},
            AssessAction.START, f"{STEM}-11", id="the-tenth-is-newer-than-the-ninth",
        ),
        pytest.param({"runs": [run("deleting")]}, AssessAction.START, f"{STEM}-2", id="on-its-way-out"),
        pytest.param({"stats": LoadStats(started="2026-01-01")}, AssessAction.NOTHING, "", id="started-before"),
        pytest.param({"mode": "off"}, AssessAction.NOTHING, "", id="off"),
        pytest.param({"bucket": None}, AssessAction.NOTHING, "", id="no-bucket"),
    ],
)  # fmt: skip
def test_choose_assessment(case, action, about):
    asked = {key: case[key] for key in ("mode", "bucket") if key in case}
    task = replace(TASK, stats=case.get("stats", TASK.stats))

    choice = choose_assessment(spec(**asked), task, case.get("runs", ()), seen=case.get("seen", False))

    assert choice.action is action
    assert choice.reason
    assert (choice.run.name if choice.run else choice.name) == about


@pytest.mark.parametrize(
    ("migration", "task", "same"),
    [
        pytest.param(spec(), replace(TASK, mappings={"rules": [{"rule-id": 1}]}), True, id="a-rule-id-as-a-number"),
        pytest.param(spec(folder="elsewhere", mode="warn"), TASK, True, id="another-place-for-the-results"),
        pytest.param(spec(), replace(TASK, arn="arn:other"), False, id="another-task"),
        pytest.param(spec(), replace(TASK, mappings={"rules": [{"rule-id": "2"}]}), False, id="other-tables"),
        pytest.param(spec(exclude=["postgres-check-pk"]), TASK, False, id="other-questions"),
        pytest.param(
            Migration.model_validate({"assessment": GATE, "replication": {"plugin": "test_decoding"}}), TASK, False,
            id="another-plugin",
        ),
    ],
)  # fmt: skip
def test_a_run_is_named_after_what_it_judges(migration, task, same):
    assert (fingerprint(migration, task) == fingerprint(spec(), TASK)) is same


@pytest.mark.parametrize(
    ("name", "ours"),
    [
        (f"{STEM}-12", True),
        (STEM, False),
        ("pg-cdc-shop-assess-0000000g-1", False),
        ("pg-cdc-shop-assess-deadbeef-assess-00000000-1", False),
        ("pg-cdc-shop-2-assess-00000000-1", False),
    ],
)
def test_the_runs_of_a_migration_are_never_those_of_one_with_a_longer_name(name, ours):
    assert is_run_name("shop", name) is ours


def test_a_run_is_asked_for_with_its_place_its_role_and_our_tag():
    assert start_request(spec(), TASK, "n") == {
        "ReplicationTaskArn": "arn:task", "ServiceAccessRoleArn": ROLE, "ResultLocationBucket": "results",
        "ResultLocationFolder": "pg-cdc", "AssessmentRunName": "n",
        "Tags": [{"Key": "pg-cdc:migration", "Value": "shop"}],
    }  # fmt: skip
    assert start_request(spec(include_only=["a"]), TASK, "n")["IncludeOnly"] == ["a"]
    assert start_request(spec(exclude=["b"]), TASK, "n")["Exclude"] == ["b"]


def test_a_name_that_dms_does_not_have_is_told():
    assert not_applicable(spec(include_only=["a", "b"]), ["a", "c"]) == ("b",)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        pytest.param({"mode": "gate"}, "S3 bucket", id="a-gate-without-a-bucket"),
        pytest.param({"mode": "warn"}, "S3 bucket", id="warnings-without-a-bucket"),
        pytest.param({"bucket": "results"}, "IAM role", id="a-bucket-without-a-role"),
        pytest.param({**GATE, "include_only": ["a"], "exclude": ["b"]}, "no two", id="both-lists"),
        pytest.param({**GATE, "bucket": "No_Bucket"}, "assessment.bucket", id="not-a-bucket"),
        pytest.param({**GATE, "folder": "/x"}, "assessment.folder", id="not-a-folder"),
    ],
)
def test_a_spec_that_cannot_be_assessed_is_refused(given, words):
    with pytest.raises(SpecInvalid, match=re.escape(words)):
        migration_from_mapping({"assessment": given})


def test_off_needs_nothing_and_a_named_bucket_makes_a_gate():
    assert not Migration.model_validate({"assessment": {"bucket": "results", "mode": "off"}}).assessment.wanted
    assert not Migration().assessment.wanted
    assert spec().assessment.gates
    assert not spec(mode="warn").assessment.gates


PK = Individual("postgres-check-pk", "failed")
LOB = Individual("postgres-check-limited-lob-size", "warning")
FINE = Individual("postgres-check-dbversion", "passed")
SKIP = Individual("postgres-check-postgis-data-type", "skipped")
KEYLESS = warning("table_without_key", "shop.clicks", found="no key", expected="a key", cure="ALTER TABLE …;")


@pytest.mark.parametrize(
    ("status", "individuals", "good"),
    [
        pytest.param("passed", [FINE, SKIP], True, id="passed"),
        pytest.param("warning", [FINE, LOB], True, id="warned"),
        pytest.param("warning", [SKIP], True, id="nothing-applied"),
        pytest.param("failed", [FINE, PK], False, id="failed"),
        pytest.param("passed", [FINE, Individual("x", "error")], False, id="one-could-not-be-checked"),
        pytest.param("warning", [Individual("x", "cancelled")], False, id="one-was-cancelled"),
        pytest.param("passed", [Individual("x", "pending")], False, id="one-was-never-run"),
        pytest.param("error-provisioning", [], False, id="could-not-be-made"),
        pytest.param("error-executing", [FINE], False, id="broke-off"),
        pytest.param("invalid state", [FINE], False, id="unknown"),
    ],
)
def test_only_what_was_checked_and_passed_is_good(status, individuals, good):
    assert judge_assessment(run(status), individuals).good is good


def test_a_refusal_names_each_failed_one_with_the_cure_of_our_finding_and_no_other():
    wal = Individual("postgres-check-wallevel", "failed")
    odd = Individual("weather", "error")
    told = refusal(judge_assessment(run("failed", last_failure="rain"), [PK, FINE, LOB, wal, odd], [KEYLESS]))

    assert told.found.splitlines() == [
        f"assessment run {STEM}-1 is failed (rain): 1 error, 2 failed, 1 passed, 1 warning",
        "  postgres-check-pk: failed", "  postgres-check-wallevel: failed", "  weather: error",
    ]  # fmt: skip
    assert told.next.splitlines()[1:] == [
        "  postgres-check-pk: [table_without_key] shop.clicks: ALTER TABLE …;",
        "  postgres-check-wallevel: rds.logical_replication 1 and a reboot of the writer: clear set_parameters and what"
        " follows",
        "  weather: our own checks do not ask this; see its result in s3://results/pg-cdc",
    ]


def test_a_finding_that_is_not_there_sends_to_the_result():
    assert "(table_without_key) find nothing now" in cure_of("postgres-check-pk", [], "s3://x")


def test_warnings_say_the_same_and_only_where_something_is_to_be_known():
    assert warnings(judge_assessment(run("passed"), [FINE, SKIP])) == ()
    told = warnings(judge_assessment(run("failed"), [PK, LOB], [KEYLESS]))

    assert [line.split(":")[0] for line in told] == [
        f"assessment run {STEM}-1 is failed", "assessment postgres-check-pk",
        "assessment postgres-check-limited-lob-size",
    ]  # fmt: skip
    assert "shop.clicks" in told[1]
    assert not needs_cures([FINE, SKIP])
    assert needs_cures([FINE, LOB])


def test_the_report_counts_what_passed_and_names_the_rest():
    values = as_values(judge_assessment(run("warning"), [FINE, LOB, SKIP]))
    report = Report(migration="shop", status=Status.STREAMING, assessment=values)
    text = as_markdown(report)

    assert json.loads(json.dumps(as_json(report)))["assessment"]["individual"][0] == {
        "name": "postgres-check-dbversion", "status": "passed",
    }  # fmt: skip
    assert f"## Assessment\n\nRun {STEM}-1 is warning: 1 of 3 passed. Results: s3://results/pg-cdc." in text
    assert "| postgres-check-limited-lob-size | warning |" in text
    assert "postgres-check-dbversion" not in text


def test_docs_findings_shows_the_same_finding_beside_each_assessment():
    told: dict[str, set[str]] = {}
    for code, keys in re.findall(r"^\| `(\w+)` \|.*\|([^|]*)\|$", PAGE, flags=re.MULTILINE):
        for key in re.findall(r"`([\w-]+)`", keys):
            told.setdefault(key, set()).add(code)

    assert told == {key: set(codes) for key, codes in CODES.items()}
