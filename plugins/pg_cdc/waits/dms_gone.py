"""What is waited for when DMS resources go: a task at rest, and a description that finds nothing any more."""

from __future__ import annotations

from dataclasses import dataclass

from pg_cdc.waits import Look
from pg_cdc.waits.dms import DmsWait, TaskWait


@dataclass(frozen=True, kw_only=True)
class TaskAtRest(TaskWait):
    """Waits until the task does nothing that keeps it from being stopped or deleted, or is gone.

    ``running`` True: a task that runs is waited for as well, because it was told to stop.
    """

    running: bool

    def look(self) -> Look:
        """Look at the status."""
        from pg_cdc.decisions.teardown.dms import AT_WORK

        row = self.row()
        status = row["Status"] if row else "gone"
        busy = status in AT_WORK and (self.running or status != "running")
        return Look(done=not busy, progress=f"task {self.identifier} is {status}")


@dataclass(frozen=True, kw_only=True)
class ResourceGone(DmsWait):
    """Waits until DMS describes a resource no more. ``kind``: one of decisions.teardown_dms.Kind."""

    kind: str
    name: str

    def look(self) -> Look:
        """Look whether it is there."""
        from pg_cdc.decisions.teardown.dms import DELETING, Kind

        hook = self.hook()
        kind = Kind(self.kind)
        if kind is Kind.ASSESSMENT_RUN:
            row = hook.assessment_run(self.name)
        elif kind is Kind.TASK:
            row = hook.task(self.name, settings=False)
        elif kind is Kind.ENDPOINT:
            row = hook.endpoint(self.name)
        elif kind is Kind.INSTANCE:
            row = hook.instance(self.name)
        else:
            row = hook.subnet_group(self.name)
        told = "is gone" if row is None else f"is {DELETING}"
        return Look(done=row is None, progress=f"{self.kind} {self.name} {told}")
