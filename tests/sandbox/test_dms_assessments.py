"""Premigration assessments: what may be started, the states in time, and answers from the real source and target."""

from __future__ import annotations

import json
import time

import pytest
from botocore.exceptions import ClientError

from tests.sandbox.dms_lab import NAMES, Lab, Task, eventually, rule

BUCKET = "assessments"
TRUST = {"Statement": [{"Effect": "Allow", "Principal": {"Service": "dms.amazonaws.com"}, "Action": "sts:AssumeRole"}]}
GOOD = """
create table customers (id int primary key, name varchar(10));
create table orders (id int primary key, note text);
"""
ODD = """
create table "Odd ""one" (id int, tags text[]);
create table loose (id int unique);
create table keyed (id text primary key, c point, body text);
create table "KEYED" (id int primary key, span int4range);
insert into keyed (id, body) values ('1', repeat('x', 40000));
"""
OVER = ("passed", "warning", "failed", "error-provisioning", "error-executing")


@pytest.fixture
def role(results_place) -> str:
    """A role that trusts DMS, and may write to the bucket."""
    return results_place[1]


@pytest.fixture
def start(lab, role):
    """``start(task, **parameters)``: start a run of its own name."""

    def go(task: Task, **parameters) -> dict:
        given = {
            "AssessmentRunName": f"run-{next(NAMES)}", "ResultLocationBucket": BUCKET, "ResultLocationFolder": "a/b",
            "ServiceAccessRoleArn": role, "ReplicationTaskArn": task.arn, **parameters,
        }  # fmt: skip
        return lab.dms.start_replication_task_assessment_run(**given)["ReplicationTaskAssessmentRun"]

    return go


def described(lab: Lab, run: dict) -> dict:
    filters = [{"Name": "replication-task-assessment-run-arn", "Values": [run["ReplicationTaskAssessmentRunArn"]]}]
    return lab.dms.describe_replication_task_assessment_runs(Filters=filters)["ReplicationTaskAssessmentRuns"][0]


def ended(lab: Lab, run: dict) -> dict:
    eventually(lambda: described(lab, run)["Status"] in OVER, say=lambda: described(lab, run))
    return described(lab, run)


def results(lab: Lab, run: dict) -> dict[str, str]:
    filters = [{"Name": "replication-task-assessment-run-arn", "Values": [run["ReplicationTaskAssessmentRunArn"]]}]
    answer = lab.dms.describe_replication_task_individual_assessments(Filters=filters)
    return {one["IndividualAssessmentName"]: one["Status"] for one in answer["ReplicationTaskIndividualAssessments"]}


def written(lab: Lab, run: dict, name: str) -> dict:
    key = f"a/b/{run['AssessmentRunName']}/{name}.json"
    return json.loads(lab.sandbox.client("s3").get_object(Bucket=BUCKET, Key=key)["Body"].read())


def test_a_source_that_is_ready_passes_with_what_is_left_to_improve_as_warnings(lab, start):
    task = lab.task(GOOD)
    run = start(task)
    assert (run["Status"], task.status) == ("starting", "testing")
    over, found = ended(lab, run), results(lab, run)

    assert {name for name, status in found.items() if status not in ("passed", "skipped")} == {
        "postgres-check-pglogical"
    }
    assert over["Status"] == "warning"
    assert over["IsLatestTaskAssessmentRun"] is True
    progress = over["AssessmentProgress"]
    assert progress["IndividualAssessmentCompletedCount"] == progress["IndividualAssessmentCount"] == len(found)
    assert task.status == "ready"


def test_what_is_wrong_with_tables_fails_by_name_and_the_bucket_says_which(lab, start):
    run = start(lab.task(ODD, rules=(rule("public"),)))
    ended(lab, run)
    found = results(lab, run)

    assert {name for name, status in found.items() if status == "failed"} == {
        "postgres-check-pk", "postgres-check-pk-lob", "postgres-check-similar-table-name",
        "postgres-check-table-with-array", "table-with-no-primary-key-or-unique-constraint",
        "table-with-lob-but-without-primary-key-or-unique-constraint",
    }  # fmt: skip
    assert found["postgres-check-limited-lob-size"] == found["unsupported-data-types-in-source"] == "warning"
    assert written(lab, run, "postgres-check-pk")["objects"] == ['"Odd ""one"', "loose"]
    assert written(lab, run, "postgres-check-limited-lob-size")["objects"] == ["public.keyed.body"]
    assert described(lab, run)["LastFailureMessage"]


def test_a_source_that_is_not_ready_fails_by_what_it_says_itself(lab, start):
    task = lab.task(GOOD, source=lab.target)
    run = start(task, IncludeOnly=["postgres-check-wallevel", "postgres-check-dbversion"])

    assert ended(lab, run)["Status"] == "failed"
    assert results(lab, run) == {"postgres-check-dbversion": "passed", "postgres-check-wallevel": "failed"}
    assert written(lab, run, "postgres-check-wallevel")["found"] == "wal_level replica"


def test_the_target_and_the_settings_are_looked_into_too(lab, start):
    settings = {"TargetMetadata": {"BatchApplyEnabled": True, "FullLobMode": True, "LimitedSizeLobMode": False}}
    task = lab.task(GOOD, settings=settings)
    task.target.execute("create table customers (id int primary key, name text unique)")
    task.target.execute("create table orders (id int references customers (id), note text not null)")
    run = start(task, IncludeOnly=[
        "postgres-batch-apply-lob-mode", "full-lob-not-nullable-at-target", "postgres-check-session-replication-role",
        "postgres-check-batch-apply-target-pk-ui-absence", "postgres-check-target-secondary-indexes",
        "postgres-check-batch-apply-target-pk-ui-simultaneously", "postgres-check-target-privileges",
    ])  # fmt: skip
    ended(lab, run)

    assert results(lab, run) == {
        "postgres-batch-apply-lob-mode": "failed",
        "full-lob-not-nullable-at-target": "failed",
        "postgres-check-session-replication-role": "failed",
        "postgres-check-batch-apply-target-pk-ui-absence": "failed",
        "postgres-check-batch-apply-target-pk-ui-simultaneously": "failed",
        "postgres-check-target-secondary-indexes": "warning",
        "postgres-check-target-privileges": "passed",
    }


def test_a_source_out_of_reach_is_an_error_of_the_run_and_the_task_is_as_before(lab, start):
    task = lab.task(GOOD)
    task.source.execute("create role gone login password 'x'")
    lab.dms.modify_endpoint(EndpointArn=task.source_endpoint, Username="gone", Password="y")
    run = start(task)
    over = ended(lab, run)

    assert over["Status"] == "error-executing"
    assert "password authentication failed" in over["LastFailureMessage"]
    assert set(results(lab, run).values()) == {"pending"}
    eventually(lambda: task.status == "ready")


def test_a_full_load_has_no_assessments_of_changes(lab, start):
    task = lab.task(GOOD, kind="full-load")
    names = lab.dms.describe_applicable_individual_assessments(ReplicationTaskArn=task.arn)["IndividualAssessmentNames"]
    model = lab.dms.describe_applicable_individual_assessments(
        ReplicationInstanceArn=lab.instance, SourceEngineName="postgres", TargetEngineName="postgres",
        MigrationType="full-load-and-cdc",
    )["IndividualAssessmentNames"]  # fmt: skip

    assert "postgres-check-wallevel" not in names
    assert {"postgres-check-wallevel", *names} < set(model)
    assert set(model) == set(lab.dms.describe_applicable_individual_assessments()["IndividualAssessmentNames"])
    with pytest.raises(ClientError, match="ReplicationInstanceArn without SourceEngineName"):
        lab.dms.describe_applicable_individual_assessments(ReplicationInstanceArn=lab.instance)
    with pytest.raises(ClientError, match="not applicable to the task: postgres-check-wallevel"):
        start(task, IncludeOnly=["postgres-check-wallevel"])


def test_what_aws_refuses_is_refused(lab, start, role):
    task = lab.task(GOOD)
    iam = lab.sandbox.client("iam")
    trust = json.dumps(TRUST).replace("dms.", "ec2.")
    stranger = iam.create_role(RoleName="stranger", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    one = "postgres-check-pk"
    for code, parameters in (
        ("InvalidParameterCombinationException", {"IncludeOnly": [one], "Exclude": [one]}),
        ("InvalidParameterValueException", {"Exclude": ["postgres-check-weather"]}),
        ("AccessDeniedFault", {"ServiceAccessRoleArn": role + "-gone"}),
        ("AccessDeniedFault", {"ServiceAccessRoleArn": stranger}),
        ("S3ResourceNotFoundFault", {"ResultLocationBucket": "nowhere"}),
        ("ResourceNotFoundFault", {"ReplicationTaskArn": task.arn + "X"}),
    ):
        with pytest.raises(ClientError) as refused:
            start(task, **parameters)
        assert refused.value.response["Error"]["Code"] == code, parameters
    assert task.status == "ready"


def test_a_task_under_assessment_does_nothing_else_and_a_name_is_given_once(lab, start):
    task, other = lab.task(GOOD), lab.task(GOOD)
    run = start(task, AssessmentRunName="Once", IncludeOnly=["postgres-check-dbversion"])
    arn = run["ReplicationTaskAssessmentRunArn"]

    assert run["AssessmentRunName"] == "once"
    for refused in (
        lambda: task.start(),
        lambda: lab.dms.delete_replication_task(ReplicationTaskArn=task.arn),
        lambda: start(task),
        lambda: lab.dms.delete_replication_task_assessment_run(ReplicationTaskAssessmentRunArn=arn),
    ):
        with pytest.raises(lab.dms.exceptions.InvalidResourceStateFault):
            refused()
    with pytest.raises(lab.dms.exceptions.ResourceAlreadyExistsFault):
        start(other, AssessmentRunName="once")
    ended(lab, run)


def test_a_run_that_is_over_is_forgotten_and_its_results_stay_in_the_bucket(lab, start):
    task = lab.task(GOOD)
    first = start(task, IncludeOnly=["postgres-check-dbversion"], Tags=[{"Key": "owner", "Value": "us"}])
    assert ended(lab, first)["Status"] == "passed"
    eventually(lambda: task.status == "ready")
    second = start(task, IncludeOnly=["postgres-check-postgis-data-type"])
    assert ended(lab, second)["Status"] == "warning"
    arn = first["ReplicationTaskAssessmentRunArn"]

    assert described(lab, first)["IsLatestTaskAssessmentRun"] is False
    assert lab.dms.list_tags_for_resource(ResourceArn=arn)["TagList"] == [{"Key": "owner", "Value": "us"}]
    answer = lab.dms.delete_replication_task_assessment_run(ReplicationTaskAssessmentRunArn=arn)
    assert answer["ReplicationTaskAssessmentRun"]["Status"] == "deleting"
    ends = time.monotonic() + 10
    with pytest.raises(lab.dms.exceptions.ResourceNotFoundFault):
        while time.monotonic() < ends:
            described(lab, first)
    assert written(lab, first, "postgres-check-dbversion")["status"] == "passed"
