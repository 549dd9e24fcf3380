"""What is waited for on the two databases: a marker that arrives through a slot that is read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pg_cdc.waits import Look
from pg_cdc.waits.dms import TaskWait


@dataclass(frozen=True, kw_only=True)
class StreamFlows(TaskWait):
    """Waits until the target has ``token`` and the source a slot that the task reads; ends when the task ends.

    ``migration``: the spec as JSON; it names connections and holds no secret.
    """

    migration: dict[str, Any]
    task_arn: str
    token: str

    def look(self) -> Look:
        """Look at the task, then at the target, then at the slots of the source."""
        row = self.row()
        status = row["Status"] if row else "missing"
        if status not in ("running", "starting"):
            return Look(done=True, progress=f"task {self.identifier} is {status}")
        if not self._arrived():
            return Look(done=False, progress="the marker is written on the source, and not on the target yet")
        if not self._is_read():
            return Look(done=False, progress="the marker has arrived; no active slot is seen on the source")
        return Look(done=True, progress="the marker has arrived")

    def _arrived(self) -> bool:
        from pg_cdc.config import Migration
        from pg_cdc.facts.streaming import read_arrived_token

        return read_arrived_token(Migration.model_validate(self.migration)) == self.token

    def _is_read(self) -> bool:
        from pg_cdc.config import Migration
        from pg_cdc.facts.ends import read_source
        from pg_cdc.facts.streaming import choose_slot
        from pg_cdc.hooks.postgres import connect_source

        migration = Migration.model_validate(self.migration)
        with connect_source(migration, read_source(migration)) as conn:
            choice = choose_slot(conn, migration, self.task_arn)
        return bool(choice.candidates) or (choice.slot is not None and choice.slot.active)
