"""Write Markdown that survives what is put in it. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def section(title: str, body: str) -> str:
    """Return ``body`` under a heading; nothing without a body."""
    return f"## {title}\n\n{body}" if body else ""


def table(columns: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> str:
    """Return a table with a column for each of ``columns``; nothing without rows."""
    if not rows:
        return ""
    head = [_row(column.replace("_", " ") for column in columns), _row("---" for _ in columns)]
    return "\n".join([*head, *(_row(_cell(row.get(column)) for column in columns) for row in rows)])


def bullets(lines: Sequence[str]) -> str:
    """Return a list."""
    return "\n".join(f"- {line}" for line in lines)


def _row(cells: Any) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value).replace("|", "\\|").replace("\n", " ")
