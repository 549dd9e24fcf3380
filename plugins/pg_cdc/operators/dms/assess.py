"""Let DMS assess the task before it is started for the first time, and stop there if it is not fit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pg_cdc.decisions.outcome import Outcome
from pg_cdc.failures import CdcFailure, DmsFailed, NotYet
from pg_cdc.operators.dms.step import MOVING, TaskStep, existing_task, persist_links

if TYPE_CHECKING:
    from airflow.sdk import Context

    from pg_cdc.config import Migration
    from pg_cdc.decisions.dms.assessment import AssessChoice, AssessmentRun
    from pg_cdc.decisions.dms.assessment_verdict import Judgement
    from pg_cdc.decisions.dms.task import Task
    from pg_cdc.decisions.world import Finding
    from pg_cdc.hooks.dms import CdcDmsHook


class AssessTaskOperator(TaskStep):
    """Run DMS's premigration assessment where the spec names a bucket for it; a finished one is not run again."""

    seen = False
    """Whether this run of the step has waited for its own assessment: then it goes by that one, and starts no other."""

    def step(self, migration: Migration, context: Context) -> Outcome:
        """Choose, start or wait, judge."""
        from pg_cdc.decisions.dms.assessment import AssessAction
        from pg_cdc.hooks.dms import CdcDmsHook

        if not migration.assessment.wanted:
            return self._not_assessed(migration)
        hook = CdcDmsHook.of(migration)
        task = existing_task(hook, migration)
        persist_links(context, migration, task)
        choice = self._choose(hook, migration, task, seen=self.seen)
        changes: tuple[str, ...] = ()
        seen = self.seen
        while choice.action is AssessAction.WAIT and choice.run:
            seen = self._wait(migration, context, task, choice.run) or seen
            choice = self._choose(hook, migration, task, seen=seen)
        if choice.action is AssessAction.START:
            task = self._at_rest(hook, migration, context, task)
            changes = self._start(hook, migration, task, choice)
            run = self._started(hook, migration, task, choice)
            self._wait(migration, context, task, run)
            choice = self._choose(hook, migration, task, seen=True)
        if choice.action is AssessAction.NOTHING:
            self.log.info("Not assessed: %s", choice.reason)
            return Outcome(facts={"assessment": "not run", "reason": choice.reason})
        if choice.run is None or choice.action is not AssessAction.JUDGE:
            raise NotYet(f"the assessment is not over, or DMS does not describe it yet: {choice.reason}")
        return self._judged(hook, migration, choice.run, changes)

    def resume_after_own(self, context: Context, event: dict[str, Any] | None = None) -> dict[str, Any]:
        """Go by the assessment that this run has waited for."""
        self.seen = True
        return self.resume(context, event)

    def _not_assessed(self, migration: Migration) -> Outcome:
        from pg_cdc.decisions.dms.assessment import why_not

        reason = why_not(migration)
        self.log.info("Not assessed: %s", reason)
        return Outcome(facts={"assessment": "not run", "reason": reason})

    def _choose(self, hook: CdcDmsHook, migration: Migration, task: Task, *, seen: bool) -> AssessChoice:
        from pg_cdc.decisions.dms.assessment import choose_assessment
        from pg_cdc.facts.assessment import read_runs

        return choose_assessment(migration, task, read_runs(hook, task.arn), seen=seen)

    def _wait(self, migration: Migration, context: Context, task: Task, run: AssessmentRun) -> bool:
        """Wait for the end of ``run``; tell whether it is of this very state of the task."""
        from pg_cdc.decisions.dms.assessment import is_own
        from pg_cdc.waits.assessment import AssessmentEnded

        own = is_own(migration, task, run)
        self.resume_method = "resume_after_own" if own else "resume"
        wait = AssessmentEnded(arn=run.arn, name=run.name, **self.sharing(migration))
        self.wait_minutes(wait, context, migration, migration.timeouts.assessment_minutes)
        return own

    def _at_rest(self, hook: CdcDmsHook, migration: Migration, context: Context, task: Task) -> Task:
        if task.status not in MOVING:
            return task
        self.resume_method = "resume"
        self.wait_while_moving(migration, context, task)
        return existing_task(hook, migration)

    def _start(self, hook: CdcDmsHook, migration: Migration, task: Task, choice: AssessChoice) -> tuple[str, ...]:
        from botocore.exceptions import ClientError

        from pg_cdc.decisions.dms.assessment import start_request
        from pg_cdc.hooks.aws_errors import error_code

        self._check_names(hook, migration, task)
        self.log.info("Starting assessment run %s: %s", choice.name, choice.reason)
        try:
            hook.call("start_replication_task_assessment_run", **start_request(migration, task, choice.name))
        except ClientError as error:
            code = error_code(error)
            if code == "InvalidResourceStateFault":
                raise NotYet(f"DMS does not assess {task.identifier} now, which may pass: {error}") from error
            if code in ("AccessDeniedFault", "S3AccessDeniedFault"):
                raise NotYet(
                    f"DMS may not write to the bucket by that role: it is missing, too new to be seen, does not trust"
                    f" dms.amazonaws.com, or lacks s3:PutObject (docs/aws.md#6-assessment): {error}"
                ) from error
            if code == "S3ResourceNotFoundFault":
                raise DmsFailed(
                    found=f"no S3 bucket {migration.assessment.bucket}",
                    expected="the bucket that assessment.bucket names, in the region of the task",
                    next=f"make it or correct the name; clear {self.task_id}",
                ) from error
            # The answer to an earlier try may have been lost: then the run is there, and the proof finds it.
            if code != "ResourceAlreadyExistsFault":
                raise
        return (f"started assessment run {choice.name}: {choice.reason}",)

    def _check_names(self, hook: CdcDmsHook, migration: Migration, task: Task) -> None:
        from pg_cdc.decisions.dms.assessment import not_applicable

        if not (migration.assessment.include_only or migration.assessment.exclude):
            return
        applicable = hook.applicable_assessments(task.arn)
        if unknown := not_applicable(migration, applicable):
            raise DmsFailed(
                found=f"assessments that DMS does not have for this task: {', '.join(unknown)}",
                expected=f"some of: {', '.join(sorted(applicable))}",
                next=f"correct assessment.include_only or assessment.exclude; clear {self.task_id}",
            )

    def _started(self, hook: CdcDmsHook, migration: Migration, task: Task, choice: AssessChoice) -> AssessmentRun:
        from pg_cdc.facts.assessment import read_runs

        for run in read_runs(hook, task.arn):
            if run.name == choice.name:
                return run
        raise NotYet(f"assessment run {choice.name} was started, and DMS does not describe it yet")

    def _judged(self, hook: CdcDmsHook, migration: Migration, run: AssessmentRun, changes: tuple[str, ...]) -> Outcome:
        from pg_cdc.decisions.dms.assessment_verdict import (
            as_values,
            judge_assessment,
            needs_cures,
            refusal,
            summary,
            warnings,
        )
        from pg_cdc.facts.assessment import read_individuals

        individuals = read_individuals(hook, run)
        findings = self._findings(migration) if needs_cures(individuals) else ()
        judgement: Judgement = judge_assessment(run, individuals, findings)
        self.log.info("%s", summary(judgement))
        if migration.assessment.gates and not judgement.good:
            raise refusal(judgement)
        return Outcome(changes=changes, facts=as_values(judgement), warnings=warnings(judgement))

    def _findings(self, migration: Migration) -> tuple[Finding, ...]:
        """Return our own findings, for their cures; an end that cannot be read takes nothing from the verdict."""
        from pg_cdc.decisions.preflight.checks import preflight
        from pg_cdc.facts.survey import read_survey

        try:
            return preflight(read_survey(migration).situation)
        except (CdcFailure, NotYet) as failure:
            self.log.warning("Could not read our own findings, so their cures are missing: %s", failure)
            return ()
