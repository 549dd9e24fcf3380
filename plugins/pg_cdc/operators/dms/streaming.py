"""Prove that changes flow, by a row written on the source and read on the target; and record whose the slot is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pg_cdc.config import MigrationType
from pg_cdc.decisions.outcome import Outcome
from pg_cdc.failures import DmsFailed, NotProved, NotYet
from pg_cdc.operators.dms.step import TaskStep, existing_task, persist_links

if TYPE_CHECKING:
    import psycopg
    from airflow.sdk import Context

    from pg_cdc.config import Migration
    from pg_cdc.decisions.dms.streaming import Marker, SlotChoice
    from pg_cdc.decisions.dms.task import Task

NOT_ASKED_FOR = Outcome(facts={"streaming": "not asked for: the migration is a full load only"})


class WaitStreamingOperator(TaskStep):
    """Wait until a marker row has gone from the source through the task's slot to the target.

    The marker is written once for each start of the task: what proved an earlier start proves nothing now.
    """

    def step(self, migration: Migration, context: Context) -> Outcome:
        """Write the marker where this start has none, and wait for it."""
        from pg_cdc.facts.ends import read_source
        from pg_cdc.hooks.dms import CdcDmsHook
        from pg_cdc.hooks.postgres import connect_source

        if migration.replication.migration_type is MigrationType.FULL_LOAD:
            return NOT_ASKED_FOR
        task = existing_task(CdcDmsHook.of(migration), migration)
        persist_links(context, migration, task)
        if task.status != "running":
            raise _not_running(task)
        with connect_source(migration, read_source(migration)) as conn:
            changes = self._prove_by_marker(conn, migration, context, task)
            marker, choice = _read(conn, migration, task)
        if choice.slot is None and not choice.candidates:
            raise NotYet(f"the marker has arrived, and {choice.how}")
        if choice.slot is not None and not choice.slot.active:
            raise NotYet(f"slot {choice.slot.name} of the task is not active")
        return Outcome(changes=changes, facts=_facts(marker, choice), warnings=_warnings(choice))

    def _prove_by_marker(
        self, conn: psycopg.Connection[Any], migration: Migration, context: Context, task: Task
    ) -> tuple[str, ...]:
        from pg_cdc.decisions.dms.streaming import is_proved, stream_of
        from pg_cdc.facts.streaming import read_marker
        from pg_cdc.hooks.control_tables import confirm_marker, write_marker

        stream = stream_of(task.arn, task.stats.started)
        marker = read_marker(conn, migration.name)
        if is_proved(marker, self._arrived(migration), stream):
            return ()
        changes: tuple[str, ...] = ()
        if marker is None or marker.stream != stream:
            token = write_marker(conn, migration.name, stream)
            changes = ("wrote a marker row on the source",)
        else:
            token = marker.token
        self._wait(migration, context, task, token)
        if self._arrived(migration) != token:
            raise NotProved(
                found=f"the marker written for the start of {task.stats.started} is not on the target",
                expected="the same row in pgcdc.marker on both ends",
                next=f"look at the task's log; clear {self.task_id}",
            )
        if marker is None or marker.seconds is None or changes:
            confirm_marker(conn, migration.name, token)
            changes = (*changes, "saw the marker row on the target")
        return changes

    def _wait(self, migration: Migration, context: Context, task: Task, token: str) -> None:
        from pg_cdc.waits.streaming import StreamFlows

        wait = StreamFlows(
            identifier=task.identifier,
            task_arn=task.arn,
            token=token,
            migration=migration.model_dump(mode="json"),
            **self.sharing(migration),
        )
        self.wait_minutes(wait, context, migration, migration.timeouts.streaming_minutes)

    def _arrived(self, migration: Migration) -> str | None:
        from pg_cdc.facts.streaming import read_arrived_token

        return read_arrived_token(migration)


class RecordSlotOperator(TaskStep):
    """Record in the ledger which slot is the task's, so that nobody else's is ever taken for it."""

    def step(self, migration: Migration, context: Context) -> Outcome:
        """Find the slot and record it where it is not recorded."""
        from pg_cdc.facts.ends import read_source
        from pg_cdc.facts.streaming import read_ledger
        from pg_cdc.hooks.control_tables import ensure_ledger, record_slot
        from pg_cdc.hooks.dms import CdcDmsHook
        from pg_cdc.hooks.postgres import connect_source

        if migration.replication.migration_type is MigrationType.FULL_LOAD:
            return NOT_ASKED_FOR
        task = existing_task(CdcDmsHook.of(migration), migration)
        with connect_source(migration, read_source(migration)) as conn:
            marker, choice = _read(conn, migration, task)
            if choice.slot is None:
                return self._unrecorded(marker, choice)
            recorded = {row.slot_name for row in read_ledger(conn) if row.owner_id == task.arn}
            if choice.slot.name in recorded:
                return Outcome(facts=_facts(marker, choice))
            changes = ensure_ledger(conn)
            record_slot(conn, choice.slot, task_arn=task.arn, migration=migration.name, how=choice.how)
            done = f"recorded slot {choice.slot.name} as that of {task.identifier}"
            return Outcome(changes=(*changes, done), facts=_facts(marker, choice))

    def _unrecorded(self, marker: Marker | None, choice: SlotChoice) -> Outcome:
        if not choice.candidates:
            raise NotYet(f"no slot to record: {choice.how}")
        return Outcome(facts=_facts(marker, choice), warnings=_warnings(choice))


def _read(conn: psycopg.Connection[Any], migration: Migration, task: Task) -> tuple[Marker | None, SlotChoice]:
    from pg_cdc.facts.streaming import choose_slot, marker_state, read_marker

    made, _ = marker_state(conn, migration.dms_role.name)
    return read_marker(conn, migration.name) if made else None, choose_slot(conn, migration, task.arn)


def _facts(marker: Marker | None, choice: SlotChoice) -> dict[str, Any]:
    from pg_cdc.decisions.dms.streaming import slot_facts

    return {"marker": {"seconds": _rounded(marker)}, "slot": dict(slot_facts(choice))}


def _rounded(marker: Marker | None) -> float | None:
    return round(marker.seconds, 2) if marker and marker.seconds is not None else None


def _warnings(choice: SlotChoice) -> tuple[str, ...]:
    if choice.slot is not None:
        return ()
    candidates = ", ".join(choice.candidates)
    return (f"which slot is the task's is not certain ({choice.how}: {candidates}); the ledger names none",)


def _not_running(task: Task) -> DmsFailed:
    return DmsFailed(
        found=f"task {task.identifier} is {task.status}: {task.trouble}",
        expected="a running task",
        next="cure what DMS says; clear start_task, which starts it as its history asks",
    )
