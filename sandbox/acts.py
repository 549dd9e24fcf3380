"""Faults that happen once and at once, by the names of ``fault on``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sandbox.sandbox import Sandbox


class Acts:
    """What each does, on a sandbox that runs. Parameters are the options of ``fault on``."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    def by_name(self) -> Mapping[str, Callable[..., None]]:
        """Return every act."""
        return {
            "kill-server": self.kill_server,
            "cut-connection": self.cut_connection,
            "lost-slot": self.lost_slot,
            "disk-full": self.disk_full,
            "orphan-slot": self.orphan_slot,
        }

    def kill_server(self, identifier: str, seconds: float | None = None) -> None:
        """Kill a server; it comes back after ``seconds``."""
        self._sandbox.rds.kill_server(identifier, restart_after=_number(seconds))

    def cut_connection(self, identifier: str, seconds: float | None = None) -> None:
        """Cut the clients of a server; it answers no new ones for ``seconds``."""
        self._sandbox.rds.cut_connections(identifier, seconds=_number(seconds))

    def lost_slot(self, identifier: str, slot: str) -> None:
        """Lose one slot of a server."""
        self._sandbox.rds.lose_slot(identifier, slot)

    def disk_full(self, identifier: str, free_bytes: int) -> None:
        """Leave ``free_bytes`` for the WAL of an RDS instance."""
        self._sandbox.rds.fill_disk(identifier, int(free_bytes))

    def orphan_slot(self, identifier: str) -> None:
        """Make the deletion of a DMS task leave its slot behind."""
        self._sandbox.dms.lose_sight_of_source(identifier)

    def end(self) -> None:
        """End those that last."""
        if hasattr(self._sandbox, "rds"):
            self._sandbox.rds.answer_again()


def _number(seconds: float | None) -> float | None:
    return None if seconds is None else float(seconds)
