"""Premigration assessment runs: what may be started, and what is told of it. The checks ask the real servers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sandbox.api.errors import AwsError
from sandbox.dms import durations
from sandbox.dms.assessing.catalogue import ALL, applicable
from sandbox.dms.assessing.run import AssessmentRun
from sandbox.dms.engine.clock import now
from sandbox.dms.filters import chosen, identifier, paged
from sandbox.dms.tags import checked
from sandbox.dms.world import Resource, World

RUN_FILTERS = {
    "replication-task-assessment-run-arn": lambda r: r.arn,
    "replication-task-arn": lambda r: r.shape["ReplicationTaskArn"],
    "replication-instance-arn": lambda r: r.private["instance"],
    "status": lambda r: r.status,
}
INDIVIDUAL_FILTERS = {
    "replication-task-assessment-run-arn": lambda i: i.shape["ReplicationTaskAssessmentRunArn"],
    "replication-task-arn": lambda i: i.private["task"],
    "status": lambda i: i.status,
}
ASSESSABLE = ("ready", "stopped")
AT_WORK = ("starting", "provisioning", "running", "cancelling", "deleting")
MODEL = ("ReplicationInstanceArn", "SourceEngineName", "TargetEngineName", "MigrationType")


class Assessments:
    """Start, describe, delete; one thread for each run."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._threads: list[AssessmentRun] = []

    def start_replication_task_assessment_run(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Start the assessment of a task that is at rest, which is ``testing`` until it ends."""
        world = self._world
        task = world.find("tasks", parameters["ReplicationTaskArn"], "Replication Task")
        names = _wanted(applicable(task.shape["MigrationType"]), parameters)
        name = identifier(parameters["AssessmentRunName"], "AssessmentRunName")
        if name in world.assessment_runs:
            raise AwsError("ResourceAlreadyExistsFault", f"Replication Task Assessment Run {name} already exists.")
        bucket, role = parameters["ResultLocationBucket"], parameters["ServiceAccessRoleArn"]
        if text := world.buckets.role_trouble(role):
            raise AwsError("AccessDeniedFault", text)
        if text := world.buckets.bucket_trouble(bucket):
            raise AwsError("S3ResourceNotFoundFault", text)
        if task.status not in ASSESSABLE:
            text = f"Replication Task {task.arn} cannot be assessed, it is {task.status}"
            raise AwsError("InvalidResourceStateFault", text)
        run = self._made(name, task, names, parameters)
        world.assessment_runs[name] = run
        thread = AssessmentRun(world, run, task)
        self._threads.append(thread)
        thread.start()
        return {"ReplicationTaskAssessmentRun": run.shape}

    def describe_replication_task_assessment_runs(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Describe runs, without their individual assessments."""
        found = chosen(self._world.assessment_runs.values(), parameters, RUN_FILTERS, "Assessment Runs")
        return paged([self._described(run) for run in found], parameters, "ReplicationTaskAssessmentRuns")

    def describe_replication_task_individual_assessments(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Describe the individual assessments of runs."""
        every = [one for run in self._world.assessment_runs.values() for one in run.private["individual"]]
        found = chosen(every, parameters, INDIVIDUAL_FILTERS, "Individual Assessments")
        return paged([one.shape for one in found], parameters, "ReplicationTaskIndividualAssessments")

    def describe_applicable_individual_assessments(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Tell the names that a run can ask for: of a task, of the model of one, or all."""
        if arn := parameters.get("ReplicationTaskArn"):
            task = self._world.find("tasks", arn, "Replication Task")
            return paged(list(applicable(task.shape["MigrationType"])), parameters, "IndividualAssessmentNames")
        given = [name for name in MODEL if parameters.get(name)]
        if given and len(given) < len(MODEL):
            missing = ", ".join(name for name in MODEL if name not in given)
            raise AwsError("InvalidParameterCombinationException", f"{', '.join(given)} without {missing}")
        names = applicable(parameters["MigrationType"]) if given else ALL
        return paged(list(names), parameters, "IndividualAssessmentNames")

    def delete_replication_task_assessment_run(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Forget a run that is over. What it wrote stays in the bucket."""
        arn = parameters["ReplicationTaskAssessmentRunArn"]
        run = self._world.find("assessment_runs", arn, "Replication Task Assessment Run")
        if run.status in AT_WORK:
            text = f"Replication Task Assessment Run {arn} cannot be deleted, it is {run.status}"
            raise AwsError("InvalidResourceStateFault", text)
        self._world.move(run, "deleting", "gone", durations.ASSESSMENT_DELETING)
        return {"ReplicationTaskAssessmentRun": self._described(run)}

    def end(self) -> None:
        """End every thread."""
        for thread in self._threads:
            thread.stop()

    def _made(self, name: str, task: Resource, names: Sequence[str], parameters: Mapping[str, Any]) -> Resource:
        arn = self._world.arn("assessment-run")
        shape = {
            "ReplicationTaskAssessmentRunArn": arn,
            "ReplicationTaskArn": task.arn,
            "Status": "starting",
            "ReplicationTaskAssessmentRunCreationDate": now(),
            "AssessmentProgress": {"IndividualAssessmentCount": len(names), "IndividualAssessmentCompletedCount": 0},
            "ServiceAccessRoleArn": parameters["ServiceAccessRoleArn"],
            "ResultLocationBucket": parameters["ResultLocationBucket"],
            "ResultLocationFolder": parameters.get("ResultLocationFolder") or "",
            "AssessmentRunName": name,
        }
        run = Resource(name, arn, shape)
        run.tags = checked(parameters.get("Tags"))
        run.private["instance"] = task.shape["ReplicationInstanceArn"]
        run.private["individual"] = [self._individual(one, run) for one in names]
        return run

    def _individual(self, name: str, run: Resource) -> Resource:
        arn = self._world.arn("individual-assessment")
        shape = {
            "ReplicationTaskIndividualAssessmentArn": arn,
            "ReplicationTaskAssessmentRunArn": run.arn,
            "IndividualAssessmentName": name,
            "Status": "pending",
        }
        return Resource(name, arn, shape, private={"task": run.shape["ReplicationTaskArn"]})

    def _described(self, run: Resource) -> dict[str, Any]:
        task = run.shape["ReplicationTaskArn"]
        others = [one for one in self._world.assessment_runs.values() if one.shape["ReplicationTaskArn"] == task]
        return {**run.shape, "IsLatestTaskAssessmentRun": others[-1] is run}


def _wanted(names: Sequence[str], parameters: Mapping[str, Any]) -> list[str]:
    only, without = parameters.get("IncludeOnly") or [], parameters.get("Exclude") or []
    if only and without:
        text = "IncludeOnly and Exclude cannot both be specified."
        raise AwsError("InvalidParameterCombinationException", text)
    if unknown := [name for name in (*only, *without) if name not in names]:
        text = f"Individual assessments that are not applicable to the task: {', '.join(unknown)}"
        raise AwsError("InvalidParameterValueException", text)
    wanted = [name for name in names if (not only or name in only) and name not in without]
    if not wanted:
        raise AwsError("InvalidParameterValueException", "No individual assessment is left to run.")
    return wanted
