"""One row of the benchmark table, and how the table looks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """``ratio``: against what was measured beside it in the same run; ``bar``: what we hold ourselves to."""

    what: str
    measured: str
    ratio: str = ""
    bar: object = ""
    verdict: str = ""


def render(rows: Iterable[Row]) -> str:
    """Return a Markdown table."""
    lines = ["| what | measured | ratio | bar | verdict |", "|---|---|---|---|---|"]
    lines += [f"| {row.what} | {row.measured} | {row.ratio} | {row.bar} | {row.verdict} |" for row in rows]
    return "\n".join(lines)
