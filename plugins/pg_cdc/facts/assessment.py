"""Read the premigration assessments of a task. Changes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pg_cdc.decisions.dms.assessment import AssessmentRun
from pg_cdc.decisions.dms.assessment_verdict import Individual

if TYPE_CHECKING:
    from pg_cdc.hooks.dms import CdcDmsHook


def read_runs(hook: CdcDmsHook, task_arn: str) -> tuple[AssessmentRun, ...]:
    """Return all assessment runs of a task, the oldest first."""
    rows = hook.assessment_runs(Filters=[{"Name": "replication-task-arn", "Values": [task_arn]}])
    return tuple(sorted((run_from(row) for row in rows), key=lambda run: run.created))


def run_from(row: Mapping[str, Any]) -> AssessmentRun:
    """Return one row of DescribeReplicationTaskAssessmentRuns as a run."""
    progress = row.get("AssessmentProgress") or {}
    created = row.get("ReplicationTaskAssessmentRunCreationDate")
    return AssessmentRun(
        name=row["AssessmentRunName"],
        arn=row["ReplicationTaskAssessmentRunArn"],
        status=row["Status"],
        created=created.isoformat() if created else "",
        bucket=row.get("ResultLocationBucket", ""),
        folder=row.get("ResultLocationFolder") or "",
        last_failure=row.get("LastFailureMessage") or "",
        done=progress.get("IndividualAssessmentCompletedCount", 0),
        count=progress.get("IndividualAssessmentCount", 0),
    )


def read_individuals(hook: CdcDmsHook, run: AssessmentRun) -> tuple[Individual, ...]:
    """Return what a run has found, one by one."""
    rows = hook.individual_assessments(run.arn)
    return tuple(Individual(row["IndividualAssessmentName"], row["Status"]) for row in rows)
