"""The step ``assess`` against the sandbox's DMS: a gate before the first start, run once, and again when cured."""

from __future__ import annotations

from contextlib import contextmanager
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowFailException, TaskDeferred

from pg_cdc.config.teardown import Teardown
from pg_cdc.decisions.teardown.residue import judge_all
from pg_cdc.facts.result import read_result
from pg_cdc.facts.teardown.residue_dms import assessment_traces
from pg_cdc.failures import AssessmentFailed, DmsFailed, NotYet
from pg_cdc.operators.dms.assess import AssessTaskOperator
from pg_cdc.operators.dms.task import EnsureTaskOperator, StartTaskOperator
from pg_cdc.operators.teardown.dms import DeleteTaskOperator

ONLY = ["postgres-check-pk", "postgres-check-wallevel"]


@pytest.fixture
def assessed(ready, results_place):
    """A task that is made and not started, and a spec that asks for an assessment."""
    bucket, role = results_place
    ready.spec["assessment"] = {"bucket": bucket, "service_access_role_arn": role, "include_only": ONLY}
    ready.run(EnsureTaskOperator)
    return ready


def asking(world, **changes: Any) -> None:
    world.spec["assessment"] = {**world.spec["assessment"], **changes}


def runs(world) -> list[tuple[str, str]]:
    return [(row["AssessmentRunName"].rpartition("-")[2], row["Status"]) for row in rows(world)]


def rows(world) -> list[dict[str, Any]]:
    mine = [{"Name": "replication-task-arn", "Values": [world.task()["ReplicationTaskArn"]]}]
    return world.hook.assessment_runs(Filters=mine)


@contextmanager
def refused(kind: type[Exception]):
    with pytest.raises(AirflowFailException) as caught:
        yield caught
    assert isinstance(caught.value.__cause__, kind), caught.value


def test_a_task_that_is_fit_passes_once_and_a_second_run_asks_for_nothing(assessed, no_calls):
    first = assessed.run(AssessTaskOperator)

    assert first["changes"] == [
        f"started assessment run {first['facts']['run']}: no run has judged this state of the task"
    ]
    assert first["facts"]["run"].startswith(f"pg-cdc-{assessed.spec['name']}-assess-")
    assert first["facts"]["individual"] == [{"name": name, "status": "passed"} for name in ONLY]
    assert first["facts"]["results_in"] == "s3://assessments/pg-cdc"
    with no_calls():
        again = assessed.run(AssessTaskOperator)
    assert (again["changes"], again["facts"]) == ([], first["facts"])
    assert {"Key": "pg-cdc:migration", "Value": assessed.spec["name"]} in assessed.dms.list_tags_for_resource(
        ResourceArn=rows(assessed)[0]["ReplicationTaskAssessmentRunArn"]
    )["TagList"]


def test_what_fails_stops_the_run_before_the_start_with_the_cure_of_our_own_finding_and_is_assessed_anew(assessed):
    assessed.sql("source", "create table shop.loose (id int); grant select on shop.loose to app_dms")
    with refused(AssessmentFailed) as caught:
        assessed.run(AssessTaskOperator)

    told = str(caught.value)
    assert "postgres-check-pk: failed" in told
    assert 'ALTER TABLE "shop"."loose" REPLICA IDENTITY FULL' in told
    assert "wallevel" not in told
    assert assessed.task()["Status"] == "ready"
    assert runs(assessed) == [("1", "failed")]
    assessed.sql("source", "alter table shop.loose add primary key (id)")
    assert assessed.run(AssessTaskOperator)["facts"]["status"] == "passed"
    assert runs(assessed) == [("1", "failed"), ("2", "passed")]


@pytest.mark.exhaustive
def test_as_a_warning_what_fails_is_told_and_not_assessed_again(assessed, no_calls):
    asking(assessed, mode="warn")
    assessed.sql("source", "create table shop.loose (id int)")
    done = assessed.run(AssessTaskOperator)

    assert any("postgres-check-pk: failed. [table_without_key] shop.loose" in warning for warning in done["warnings"])
    with no_calls():
        assert assessed.run(AssessTaskOperator)["warnings"] == done["warnings"]


@pytest.mark.exhaustive
def test_a_task_of_another_state_is_assessed_anew_and_a_started_one_no_more(assessed, no_calls):
    assessed.run(AssessTaskOperator)
    asking(assessed, include_only=[], exclude=[ONLY[0]])
    done = assessed.run(AssessTaskOperator)

    assert done["changes"]
    assert ONLY[0] not in {row["name"] for row in done["facts"]["individual"]}
    assert len(runs(assessed)) == 2
    asking(assessed, exclude=[])
    assessed.run(StartTaskOperator)
    with no_calls():
        done = assessed.run(AssessTaskOperator)
    assert done["facts"]["assessment"] == "not run"
    assert "started before" in done["facts"]["reason"]
    asking(assessed, bucket=None)
    assert assessed.run(AssessTaskOperator)["facts"]["reason"] == "assessment.bucket is not given"


def test_a_long_assessment_is_waited_for_by_the_triggerer_and_gone_by_when_it_is_over(assessed):
    assessed.sql("source", "create table shop.loose (id int)")
    step = AssessTaskOperator(task_id="assess", migration=assessed.spec, patience_seconds=0)
    with pytest.raises(TaskDeferred) as deferred:
        step.execute({"params": {}})

    assert deferred.value.method_name == "resume_after_own"
    assert deferred.value.trigger.arguments["name"] == rows(assessed)[0]["AssessmentRunName"]
    assessed.until("ready")
    with refused(AssessmentFailed):
        AssessTaskOperator(task_id="assess", migration=assessed.spec).resume_after_own({"params": {}}, {"end": "done"})
    assert runs(assessed) == [("1", "failed")]


def test_an_assessment_under_way_is_waited_for_and_no_second_one_started(assessed, no_calls):
    assessed.sandbox.faults.switch_on(
        "timeout-after-effect", service="dms", action="StartReplicationTaskAssessmentRun", calls=1
    )
    with pytest.raises(TaskDeferred):
        AssessTaskOperator(task_id="assess", migration=assessed.spec, patience_seconds=0).execute({"params": {}})
    with no_calls():
        done = assessed.run(AssessTaskOperator)

    assert (done["changes"], done["facts"]["status"]) == ([], "passed")
    assert len(runs(assessed)) == 1, "boto3 asks again when an answer is lost: the name keeps it from a second run"


def test_what_cannot_be_started_says_why_and_nothing_is_started(assessed):
    asking(assessed, bucket="nowhere")
    with refused(DmsFailed) as no_bucket:
        assessed.run(AssessTaskOperator)
    asking(assessed, bucket="assessments", include_only=["weather"])
    with refused(DmsFailed) as no_such:
        assessed.run(AssessTaskOperator)
    asking(assessed, include_only=[], service_access_role_arn="arn:aws:iam::123456789012:role/not-there")

    assert "no S3 bucket nowhere" in str(no_bucket.value)
    assert "does not have for this task: weather" in str(no_such.value)
    with pytest.raises(NotYet, match="trust"):  # a role may be too new to be seen: left to the retries
        assessed.run(AssessTaskOperator)
    assert runs(assessed) == []


def test_the_report_reads_the_assessment_and_a_teardown_removes_its_record_with_the_task(assessed, no_calls):
    def left() -> list[tuple[str, str]]:
        return [(line.fate.value, line.kind) for line in judge_all(traces())]

    def traces():
        return assessment_traces(assessed.hook, assessed.migration, Teardown())

    done = assessed.run(AssessTaskOperator)
    kept = ("kept", "assessment results")

    assert read_result(assessed.migration).assessment == done["facts"]
    assert left() == [("left", "assessment run"), kept]
    gone = assessed.run(DeleteTaskOperator)
    assert gone["changes"] == [
        f"deleted assessment run {done['facts']['run']}", f"deleted replication task {assessed.name}",
    ]  # fmt: skip
    assert left() == [kept]
    assert traces()[0].name == "s3://assessments/pg-cdc"
    with no_calls():
        assert assessed.run(DeleteTaskOperator)["changes"] == []
