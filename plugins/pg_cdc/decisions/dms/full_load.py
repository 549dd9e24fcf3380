"""Judge a full load: done, done with errors, still loading, stopped, failed, or never started. Pure.

Invariant: nothing is ``done`` while a table is in error, suspended, missing, unfinished or unseen.
Source: https://docs.aws.amazon.com/dms/latest/APIReference/API_ReplicationTaskStats.html
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from pg_cdc.config import MigrationType
from pg_cdc.decisions.dms.task import FATAL, LoadStats, StopReason, TableStatistics, Task, reads
from pg_cdc.failures import DmsFailed

COMPLETED = "Table completed"
UNFINISHED = frozenset({"Before load", "Full load", "Table is being reloaded"})
ON_THE_WAY = frozenset({"starting", "modifying", "testing", "stopping", "moving"})


class LoadState(StrEnum):
    """How a full load stands."""

    LOADING = "loading"
    DONE = "done"
    DONE_WITH_ERRORS = "done with errors"
    STOPPED_BY_HAND = "stopped by hand"
    STOPPED_FOR_CACHED_CHANGES = "stopped for cached changes"
    FAILED = "failed"
    NEVER_STARTED = "never started"


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What to think of a load. ``tables``: each bad table with what is wrong with it."""

    state: LoadState
    reason: str
    tables: tuple[str, ...] = ()


def judge_full_load(task: Task, tables: Sequence[TableStatistics]) -> Verdict:
    """Return how the full load of ``task`` stands."""
    if _never_started(task):
        return Verdict(state=LoadState.NEVER_STARTED, reason=f"the task is {task.status}: nothing was started")
    if task.status in ON_THE_WAY:
        return Verdict(state=LoadState.LOADING, reason=f"the task is {task.status}")
    if task.status == "running":
        return _judge_running(task, tables)
    if task.status == "stopped":
        return _judge_stopped(task, tables)
    return Verdict(
        state=LoadState.FAILED,
        reason=task.trouble or f"the task is {task.status}, without a reason",
        tables=bad_tables(tables),
    )


def _never_started(task: Task) -> bool:
    if task.status in ("creating", "ready"):
        return True
    return task.status == "stopped" and not task.stats.ever_started and not task.stop_reason


def bad_tables(tables: Sequence[TableStatistics]) -> tuple[str, ...]:
    """Return every table that will not be complete on the target, each with why. An unknown state counts as bad."""
    return tuple(f"{table.name}: {why}" for table in tables if (why := _wrong_with(table)))


def _wrong_with(table: TableStatistics) -> str | None:
    if table.state not in UNFINISHED | {COMPLETED}:
        return table.state or "no state given"
    if table.load_error_rows:
        return f"{table.load_error_rows} rows not loaded"
    return None


def unfinished_tables(tables: Sequence[TableStatistics]) -> tuple[str, ...]:
    """Return the tables that are queued or loading."""
    return tuple(f"{table.name}: {table.state}" for table in tables if table.state in UNFINISHED)


def _judge_running(task: Task, tables: Sequence[TableStatistics]) -> Verdict:
    if task.migration_type == MigrationType.CDC:
        return _judge_cdc_only(tables)
    stats = task.stats
    waiting = unfinished_tables(tables)
    if stats.progress < 100 or stats.loading or stats.queued or waiting:
        return Verdict(state=LoadState.LOADING, reason=describe_load(stats), tables=waiting)
    return _judge_finished(task, tables)


def _judge_cdc_only(tables: Sequence[TableStatistics]) -> Verdict:
    if bad := bad_tables(tables):
        return Verdict(state=LoadState.DONE_WITH_ERRORS, reason="changes only: tables in error", tables=bad)
    return Verdict(state=LoadState.DONE, reason="changes only: there is no full load")


def _judge_finished(task: Task, tables: Sequence[TableStatistics]) -> Verdict:
    stats = task.stats
    if not (stats.loaded or stats.errored or tables):
        nothing = "100 % of 0 tables: the task found no table to load, or failed while it started"
        return Verdict(state=LoadState.FAILED, reason=task.trouble or nothing)
    bad = bad_tables(tables) + unfinished_tables(tables)
    if bad or stats.errored:
        return Verdict(state=LoadState.DONE_WITH_ERRORS, reason=describe_load(stats), tables=bad)
    completed = sum(table.state == COMPLETED for table in tables)
    if not completed or completed < stats.loaded:
        unseen = f"{stats.loaded} tables loaded, {completed} seen in the table statistics"
        return Verdict(state=LoadState.LOADING, reason=unseen)
    return Verdict(state=LoadState.DONE, reason=describe_load(stats))


def _judge_stopped(task: Task, tables: Sequence[TableStatistics]) -> Verdict:
    bad = bad_tables(tables)
    reason = task.stop_reason
    if reads(reason, StopReason.FULL_LOAD_ONLY_FINISHED):
        return _judge_finished(task, tables)
    if reads(reason, StopReason.STOPPED_AFTER_FULL_LOAD, StopReason.STOPPED_AFTER_CACHED_EVENTS):
        if bad or task.stats.errored:
            return Verdict(state=LoadState.DONE_WITH_ERRORS, reason=reason, tables=bad)
        return Verdict(state=LoadState.STOPPED_FOR_CACHED_CHANGES, reason=reason)
    if reads(reason, StopReason.NORMAL) and not reads(reason, *FATAL):
        return Verdict(state=LoadState.STOPPED_BY_HAND, reason=reason, tables=bad)
    return Verdict(state=LoadState.FAILED, reason=task.trouble or "stopped, without a reason", tables=bad)


CURES = {
    LoadState.NEVER_STARTED: "clear start_task",
    LoadState.STOPPED_BY_HAND: "find out who stopped it and why; clear start_task, which resumes it",
    LoadState.STOPPED_FOR_CACHED_CHANGES: "do what the stop was asked for (indexes, say); clear start_task: it resumes",
    LoadState.FAILED: "cure what DMS says, its log tells more; clear start_task, which resumes or reloads as is right",
    LoadState.DONE_WITH_ERRORS: (
        "look at awsdms_apply_exceptions on the target and at the task's log, cure it, then reload these tables"
        " (ReloadTables, or DmsReloadTablesOperator), and clear this task"
    ),
}


def refusal(task: Task, verdict: Verdict) -> DmsFailed | None:
    """Return why a load that is over is no success, with the cure; None: it is one."""
    if verdict.state in (LoadState.DONE, LoadState.LOADING):
        return None
    tables = f"; tables: {', '.join(verdict.tables)}" if verdict.tables else ""
    return DmsFailed(
        found=f"the full load of {task.identifier} is {verdict.state.value}: {verdict.reason}{tables}",
        expected="every selected table completed, with no row in error",
        next=CURES[verdict.state],
    )


def describe_load(stats: LoadStats) -> str:
    """Return the load in one line."""
    return (
        f"{stats.progress} %, {stats.loaded} tables loaded, {stats.loading} loading, "
        f"{stats.queued} queued, {stats.errored} in error"
    )


def load_has_ended(task: Task) -> bool:
    """Tell, from the task alone, whether waiting is over: for better or worse."""
    if task.status == "running":
        stats = task.stats
        cdc_only = task.migration_type == MigrationType.CDC
        return cdc_only or (stats.progress >= 100 and not stats.loading and not stats.queued)
    return task.status not in ON_THE_WAY | {"creating"}
