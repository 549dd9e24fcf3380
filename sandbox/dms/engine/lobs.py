"""Limited LOB mode: DMS cuts long values off, and says nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from psycopg import sql

from sandbox.dms.engine.source import Column

# json and jsonb are LOBs to DMS too; cut off they would be no json, so they are left whole here.
TEXTS = ("text", "xml")


class LobLimit:
    """How much of a LOB is taken. ``settings``: TargetMetadata."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        limited = settings["SupportLobs"] and settings["LimitedSizeLobMode"]
        self._bytes = int(settings["LobMaxSize"]) * 1024 if limited else None

    def cut(self, type_: str) -> int | None:
        """Return how many characters of a value's text are kept; None: all. A character counts two bytes."""
        if self._bytes is None:
            return None
        if type_ == "bytea":
            return len("\\x") + 2 * self._bytes
        return self._bytes // 2 if type_ in TEXTS else None

    def expression(self, column: Column) -> sql.Composable:
        """Return what is read of a column in a full load."""
        name = sql.Identifier(column.name)
        if self._bytes is None or not self.cut(column.type):
            return name
        if column.type == "bytea":
            return sql.SQL("substring({} from 1 for {})").format(name, self._bytes)
        return sql.SQL("left({}::text, {})").format(name, self._bytes // 2)
