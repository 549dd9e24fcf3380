"""Start, resume or reload the replication task: whichever its history asks for, and once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pg_cdc.config import MigrationType
from pg_cdc.decisions.outcome import Outcome
from pg_cdc.failures import DmsFailed, NotProved, NotYet
from pg_cdc.operators.dms.step import MOVING, TaskStep, existing_task, persist_links

if TYPE_CHECKING:
    from airflow.sdk import Context

    from pg_cdc.config import Migration
    from pg_cdc.decisions.dms.start import SlotFate, StartChoice
    from pg_cdc.decisions.dms.task import Task
    from pg_cdc.hooks.dms import CdcDmsHook


class StartTaskOperator(TaskStep):
    """Start, resume or reload the task, whichever its history asks for, once; and prove that it moves."""

    asked = False

    def step(self, migration: Migration, context: Context) -> Outcome:
        """Choose the start from the facts, send it, and see that it shows."""
        from pg_cdc.decisions.dms.start import StartAction, choose_start
        from pg_cdc.hooks.dms import CdcDmsHook

        hook = CdcDmsHook.of(migration)
        task = existing_task(hook, migration)
        persist_links(context, migration, task)
        if task.status in MOVING:
            self.wait_while_moving(migration, context, task)
            task = existing_task(hook, migration)
        choice = choose_start(task, self._slot_fate(migration, task))
        if self.asked or task.status == "starting":
            return self._proved(hook, migration, context, task, choice, ())
        if choice.action is StartAction.REFUSE:
            raise DmsFailed(
                found=f"task {task.identifier} cannot be started: {choice.reason}",
                expected="a task that can be started, resumed or reloaded",
                next="delete the task and run the migration again: it makes and loads a new one",
            )
        if choice.action is StartAction.WAIT:
            raise NotYet(f"task {task.identifier} cannot be started yet: {choice.reason}")
        if choice.action is StartAction.NOTHING:
            self.log.info("Not started: %s", choice.reason)
            return Outcome(facts=_facts(task, choice))
        changes = self._start(hook, migration, task, choice)
        return self._proved(hook, migration, context, task, choice, changes)

    def resume_after_start(self, context: Context, event: dict[str, Any] | None = None) -> dict[str, Any]:
        """Look at what became of the start that this run sent, and send no other."""
        self.asked = True
        return self.resume(context, event)

    def _start(self, hook: CdcDmsHook, migration: Migration, task: Task, choice: StartChoice) -> tuple[str, ...]:
        from botocore.exceptions import ClientError

        from pg_cdc.hooks.aws_errors import error_code

        changes = (*self._note_slots(migration), *self._renew_slot(migration, task, choice))
        self.log.info("Starting %s by %s: %s", task.identifier, choice.action.value, choice.reason)
        try:
            hook.call(
                "start_replication_task",
                ReplicationTaskArn=task.arn,
                StartReplicationTaskType=choice.action.value,
            )
        except ClientError as error:
            if error_code(error) != "InvalidResourceStateFault":
                raise
            self._understand_refusal(hook, migration, task, error)
        return (*changes, f"{choice.action.value} of {task.identifier}: {choice.reason}")

    def _understand_refusal(self, hook: CdcDmsHook, migration: Migration, before: Task, error: Exception) -> None:
        """Take a refusal for what it is: the answer to an earlier try was lost, or DMS lags behind its own tests."""
        now = existing_task(hook, migration)
        if now.status in ("starting", "running") or now.stats.started != before.stats.started:
            return
        raise NotYet(f"DMS refused the start of {before.identifier}, which may pass: {error}") from error

    def _proved(
        self,
        hook: CdcDmsHook,
        migration: Migration,
        context: Context,
        before: Task,
        choice: StartChoice,
        changes: tuple[str, ...],
    ) -> Outcome:
        from pg_cdc.decisions.dms.full_load import judge_full_load, refusal
        from pg_cdc.waits.dms import TaskStarted

        task = before
        if not self.asked or task.status == "starting":
            self.resume_method = "resume_after_start"
            wait = TaskStarted(
                identifier=before.identifier,
                before=before.stats.started,
                was=before.status,
                **self.sharing(migration),
            )
            self.wait_minutes(wait, context, migration, migration.timeouts.streaming_minutes)
            task = existing_task(hook, migration)
        if task.status == "failed":
            raise refusal(task, judge_full_load(task, ())) or AssertionError
        if task.status not in ("running", "stopped", "starting") or not task.stats.ever_started:
            raise NotProved(
                found=f"task {task.identifier} is {task.status}: nothing was started",
                expected="a task that runs, or that ended its load already",
                next=f"look at the task in the DMS console; clear {self.task_id}",
            )
        return Outcome(changes=changes, facts=_facts(task, choice))

    def _slot_fate(self, migration: Migration, task: Task) -> SlotFate:
        from pg_cdc.decisions.dms.start import SlotFate
        from pg_cdc.decisions.dms.streaming import slot_fate
        from pg_cdc.facts.ends import read_source
        from pg_cdc.facts.streaming import read_ledger, read_slot_readers, slots_of
        from pg_cdc.hooks.postgres import connect_source

        if task.status not in ("stopped", "failed") or task.migration_type == MigrationType.FULL_LOAD:
            return SlotFate.UNKNOWN
        with connect_source(migration, read_source(migration)) as conn, slots_of(conn, migration) as there:
            return slot_fate(read_slot_readers(there), read_ledger(conn), task.arn)

    def _note_slots(self, migration: Migration) -> tuple[str, ...]:
        from pg_cdc.facts.ends import read_source
        from pg_cdc.hooks.control_tables import ensure_ledger, note_slots_before_start
        from pg_cdc.hooks.postgres import connect_source

        if migration.replication.migration_type is MigrationType.FULL_LOAD:
            return ()
        with connect_source(migration, read_source(migration)) as conn:
            changes = ensure_ledger(conn)
            note_slots_before_start(conn, migration.name)
        return changes

    def _renew_slot(self, migration: Migration, task: Task, choice: StartChoice) -> tuple[str, ...]:
        """Make the slot on a read replica anew before every start but a resume: DMS makes none there."""
        from pg_cdc.decisions.dms.endpoints import makes_slot
        from pg_cdc.decisions.dms.start import StartAction
        from pg_cdc.facts.ends import read_reader, read_source
        from pg_cdc.facts.replica import connect_replica
        from pg_cdc.hooks.postgres import connect_source
        from pg_cdc.hooks.slots.on_replica import renew_slot

        if choice.action is StartAction.RESUME or not makes_slot(migration):
            return ()
        primary, replica = read_source(migration), read_reader(migration)
        with connect_source(migration, primary) as conn, connect_replica(migration, replica) as there:
            return renew_slot(conn, there, migration, task_arn=task.arn)


def _facts(task: Task, choice: StartChoice) -> dict[str, Any]:
    return {
        "task": task.identifier,
        "status": task.status,
        "started": task.stats.started,
        "action": choice.action.value,
        "reason": choice.reason,
    }
