"""Decide about DMS's premigration assessment of the task: run it, wait for it, or go by one that is over. Pure.

A run is named after all that it judges, so that a finished one of this very state is not made again.
Source: https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Tasks.PremigrationAssessmentRuns.html
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from pg_cdc.config import Migration
from pg_cdc.decisions import names
from pg_cdc.decisions.dms.tags import tag_list
from pg_cdc.decisions.dms.task import Task, canonical

AT_WORK = frozenset({"starting", "provisioning", "running", "cancelling"})
"""Run statuses that end by themselves."""

GOOD = frozenset({"passed", "warning"})
JUDGED = ("source", "target", "lake", "dms_role", "tables", "replication", "assessment")
"""The parts of a spec on which the answers of an assessment depend."""


@dataclass(frozen=True, kw_only=True)
class AssessmentRun:
    """One premigration assessment run of a task. ``done`` of ``count``: its individual assessments."""

    name: str
    arn: str
    status: str
    created: str = ""
    bucket: str = ""
    folder: str = ""
    last_failure: str = ""
    done: int = 0
    count: int = 0

    @property
    def over(self) -> bool:
        """Tell whether it has come to an end that can be gone by."""
        return self.status not in AT_WORK and self.status != "deleting"

    @property
    def place(self) -> str:
        """Return where its results are."""
        return f"s3://{'/'.join(part for part in (self.bucket, self.folder.strip('/')) if part)}"


class AssessAction(StrEnum):
    """What to do."""

    NOTHING = "nothing"
    WAIT = "wait"
    START = "start"
    JUDGE = "judge"


@dataclass(frozen=True, kw_only=True)
class AssessChoice:
    """What to do, and why. ``run``: the one to wait for, or to go by; ``name``: of the one to start."""

    action: AssessAction
    reason: str
    run: AssessmentRun | None = None
    name: str = ""


def run_prefix(migration: str) -> str:
    """Return how the names of all assessment runs of a migration begin."""
    return f"{names.resource(migration)}-assess-"


def is_run_name(migration: str, name: str) -> bool:
    """Tell whether a run of this name is one that a migration makes; a longer migration's never is."""
    return re.fullmatch(re.escape(run_prefix(migration)) + r"[0-9a-f]{8}-[0-9]+", name) is not None


def fingerprint(migration: Migration, task: Task) -> str:
    """Return what tells two states of a task apart: itself, its mappings, and what the spec says of its ends."""
    judged = {part: migration.model_dump(mode="json", include={part})[part] for part in JUDGED}
    judged["assessment"] = {key: judged["assessment"][key] for key in ("include_only", "exclude")}
    text = json.dumps([task.arn, canonical(task.mappings), judged], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def choose_assessment(
    migration: Migration, task: Task, runs: Sequence[AssessmentRun], *, seen: bool = False
) -> AssessChoice:
    """Return the one thing to do. ``runs``: all of the task. ``seen``: this step has just waited for its own run.

    A run that failed is gone by once, and where it stops the migration it is then made again: whoever clears the step
    has cured something that is not in the task, such as a table without a key.
    """
    if not migration.assessment.wanted:
        return AssessChoice(action=AssessAction.NOTHING, reason=why_not(migration))
    if task.stats.ever_started:
        reason = "the task has been started before: what is under way is not assessed"
        return AssessChoice(action=AssessAction.NOTHING, reason=reason)
    if busy := next((run for run in runs if run.status in AT_WORK), None):
        return AssessChoice(action=AssessAction.WAIT, reason=f"run {busy.name} is {busy.status}", run=busy)
    stem = run_prefix(migration.name) + fingerprint(migration, task)
    own = {attempt: run for run in runs if (attempt := _attempt(stem, run.name)) and run.status != "deleting"}
    last = own[max(own)] if own else None
    if last and (last.status in GOOD or seen or not migration.assessment.gates):
        return AssessChoice(action=AssessAction.JUDGE, reason=f"run {last.name} is {last.status}", run=last)
    name = f"{stem}-{max((_attempt(stem, run.name) for run in runs), default=0) + 1}"
    reason = f"run {last.name} was {last.status}" if last else "no run has judged this state of the task"
    return AssessChoice(action=AssessAction.START, reason=reason, name=name)


def is_own(migration: Migration, task: Task, run: AssessmentRun) -> bool:
    """Tell whether ``run`` judges this very state of the task."""
    return _attempt(run_prefix(migration.name) + fingerprint(migration, task), run.name) > 0


def _attempt(stem: str, name: str) -> int:
    found = re.fullmatch(re.escape(stem) + r"-([0-9]+)", name)
    return int(found[1]) if found else 0


def why_not(migration: Migration) -> str:
    """Return why no assessment is wanted."""
    assessment = migration.assessment
    return f"assessment.mode is {assessment.mode}" if assessment.bucket else "assessment.bucket is not given"


def start_request(migration: Migration, task: Task, name: str) -> dict[str, Any]:
    """Return the parameters of StartReplicationTaskAssessmentRun."""
    wanted = migration.assessment
    request: dict[str, Any] = {
        "ReplicationTaskArn": task.arn,
        "ServiceAccessRoleArn": wanted.service_access_role_arn,
        "ResultLocationBucket": wanted.bucket,
        "ResultLocationFolder": wanted.folder,
        "AssessmentRunName": name,
        "Tags": tag_list(migration),
    }
    if wanted.include_only:
        request["IncludeOnly"] = list(wanted.include_only)
    if wanted.exclude:
        request["Exclude"] = list(wanted.exclude)
    return request


def not_applicable(migration: Migration, applicable: Sequence[str]) -> tuple[str, ...]:
    """Return the names in the spec that DMS does not have for this task."""
    asked = (*migration.assessment.include_only, *migration.assessment.exclude)
    return tuple(name for name in asked if name not in applicable)
