"""Choose how a replication task is started: from its history, never by guess. Pure.

``start-replication`` is legal only for a first run; on a later one it loads data twice or is refused.
Source: https://docs.aws.amazon.com/dms/latest/APIReference/API_StartReplicationTask.html
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from pg_cdc.config import MigrationType
from pg_cdc.decisions.dms.task import FATAL, STARTABLE, StopReason, Task, reads


class StartAction(StrEnum):
    """What to do; the first three are DMS's start types."""

    START = "start-replication"
    RESUME = "resume-processing"
    RELOAD = "reload-target"
    NOTHING = "nothing"
    WAIT = "wait"
    REFUSE = "refuse"

    @property
    def starts(self) -> bool:
        """Tell whether StartReplicationTask is called."""
        return self in (StartAction.START, StartAction.RESUME, StartAction.RELOAD)


class SlotFate(StrEnum):
    """What became of the slot that the task used. ``unknown``: none recorded, or it could not be looked up."""

    UNKNOWN = "unknown"
    KEPT = "kept"
    LOST = "lost"


@dataclass(frozen=True, kw_only=True)
class StartChoice:
    """How to start, and why."""

    action: StartAction
    reason: str


def choose_start(task: Task, slot: SlotFate = SlotFate.UNKNOWN) -> StartChoice:
    """Return the one way to start ``task`` that loses and doubles nothing."""
    if task.status in ("running", "starting"):
        return StartChoice(action=StartAction.NOTHING, reason=f"the task is {task.status} already")
    if task.status == "deleting":
        return StartChoice(action=StartAction.REFUSE, reason="the task is being deleted")
    if task.status not in STARTABLE:
        return StartChoice(action=StartAction.WAIT, reason=f"the task is {task.status}")
    if not task.stats.ever_started:
        return StartChoice(action=StartAction.START, reason="it has never run")
    if finished(task):
        return StartChoice(action=StartAction.NOTHING, reason="the full load is finished, and was all that was asked")
    return _choose_restart(task, slot)


def finished(task: Task) -> bool:
    """Tell whether a full-load-only task has done all it was made for."""
    return (
        task.status == "stopped"
        and reads(task.stop_reason, StopReason.FULL_LOAD_ONLY_FINISHED)
        and task.stats.errored == 0
        and task.stats.loaded > 0
    )


def _choose_restart(task: Task, slot: SlotFate) -> StartChoice:
    cdc_only = task.migration_type == MigrationType.CDC
    if slot is SlotFate.LOST:
        if cdc_only:
            lost = "its replication slot is lost, and with it changes that only a full load can bring"
            return StartChoice(action=StartAction.REFUSE, reason=lost)
        return StartChoice(
            action=StartAction.RELOAD, reason="its replication slot is lost: every table is loaded again"
        )
    broken = task.status == "failed" or reads(task.stop_reason, *FATAL)
    if broken and not cdc_only and not load_was_finished(task):
        return StartChoice(action=StartAction.RELOAD, reason="it failed before its full load was finished")
    how = "it failed after its full load" if broken else f"it was stopped: {task.stop_reason or 'no reason given'}"
    return StartChoice(action=StartAction.RESUME, reason=f"{how}; it goes on where it stopped")


def load_was_finished(task: Task) -> bool:
    """Tell whether the load was over before the task ended. 100 % of no table is a task that failed at its start."""
    stats = task.stats
    nothing_open = not (stats.loading or stats.queued)
    return stats.progress >= 100 and nothing_open and (stats.loaded > 0 or stats.errored > 0)
