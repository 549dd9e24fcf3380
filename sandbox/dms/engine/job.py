"""What a task is to do, and the ways it ends."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sandbox.dms.engine.control_tables import ControlTables
from sandbox.dms.engine.lake_target import LakeTarget
from sandbox.dms.engine.servers import Address


@dataclass(frozen=True, kw_only=True)
class Job:
    """One task. ``name``: the random part of its ARN. ``fresh``: load everything, with a new slot."""

    name: str
    source: Address
    target: Address | LakeTarget
    source_settings: Mapping[str, Any]
    target_settings: Mapping[str, Any]
    rules: Sequence[Mapping[str, Any]]
    kind: str
    settings: Mapping[str, Any]
    fresh: bool
    start_position: str | None
    pace: float
    log: Callable[[str], None]

    @property
    def loads(self) -> bool:
        """Tell whether tables are loaded."""
        return self.kind != "cdc"

    @property
    def captures(self) -> bool:
        """Tell whether changes are captured."""
        return self.kind != "full-load"

    @property
    def database(self) -> Address:
        """Return the target of a task that writes to a database."""
        assert isinstance(self.target, Address)
        return self.target

    @property
    def artifacts_schema(self) -> str:
        """Return the schema of the DDL audit table."""
        return str(self.source_settings.get("DdlArtifactsSchema") or "public")

    @property
    def script(self) -> str | None:
        """Return what is run on every connection to the target."""
        return self.target_settings.get("AfterConnectScript")

    def control(self) -> ControlTables:
        """Return the task's control tables."""
        return ControlTables(self.settings["ControlTablesSettings"]["ControlSchema"], self.name)


class Finished(Exception):
    """The task ends by itself; the text is its stop reason."""


class LookAgain(Exception):
    """There is a table to load: leave the stream for a moment."""
