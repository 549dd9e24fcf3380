"""Show how far the migration is: live in a terminal, a line per event elsewhere."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

MARKS = {
    "success": ("✓", "green"),
    "failed": ("✗", "red"),
    "upstream_failed": ("✗", "red"),
    "running": ("▶", "cyan"),
    "deferred": ("…", "cyan"),
    "awaiting_input": ("?", "yellow"),
    "up_for_retry": ("↻", "yellow"),
    "skipped": ("-", "dim"),
}
OVER = ("success", "failed", "skipped", "upstream_failed")


@dataclass(frozen=True, kw_only=True)
class Step:
    """One task instance."""

    task_id: str
    state: str
    seconds: float | None


@dataclass(frozen=True, kw_only=True)
class View:
    """What is shown. ``lag_bytes`` None: no slot yet; ``tables``: name to (state, rows)."""

    steps: tuple[Step, ...] = ()
    tables: Mapping[str, tuple[str, int]] = field(default_factory=dict)
    lag_bytes: int | None = None
    transactions: int = 0
    cut_seconds: float = 0.0


def steps_of(task_instances: Iterable[Mapping[str, Any]]) -> tuple[Step, ...]:
    """Return the steps in the order they were started; those not started last."""

    def begun(row: Mapping[str, Any]) -> str:
        return row.get("start_date") or "~"

    rows = sorted(task_instances, key=begun)
    return tuple(
        Step(task_id=row["task_id"], state=row.get("state") or "waiting", seconds=_seconds(row)) for row in rows
    )


def _seconds(row: Mapping[str, Any]) -> float | None:
    if not row.get("start_date"):
        return None
    begin = datetime.fromisoformat(row["start_date"])
    end = datetime.fromisoformat(row["end_date"]) if row.get("end_date") else datetime.now(UTC)
    return max((end - begin).total_seconds(), 0)


def render(view: View, elapsed: float) -> Group:
    """Return what a terminal shows of ``view``."""
    steps = Table(box=None, padding=(0, 1), show_header=False)
    for step in view.steps:
        mark, style = MARKS.get(step.state, ("·", "dim"))
        seconds = "" if step.seconds is None else f"{step.seconds:6.1f} s"
        steps.add_row(Text(mark, style), Text(step.task_id, style), Text(step.state, style), seconds)
    tables = Table(box=None, padding=(0, 1), show_header=False)
    for name, (state, rows) in view.tables.items():
        tables.add_row(name, f"{rows:>9,}", Text(state, "green" if state == "Table completed" else "cyan"))
    both = Table.grid(padding=(0, 4))
    both.add_row(steps, tables)
    return Group(both, Text(summary(view, elapsed), "bold"))


def summary(view: View, elapsed: float) -> str:
    """Return one line: steps, rows, lag, application."""
    over = sum(step.state in OVER for step in view.steps)
    loaded = sum(rows for _, rows in view.tables.values())
    parts = [f"{elapsed:5.1f} s", f"steps {over}/{len(view.steps)}", f"rows {loaded:,}"]
    parts.append("no slot yet" if view.lag_bytes is None else f"lag {view.lag_bytes:,} B")
    parts.append(f"application {view.transactions:,} transactions")
    if view.cut_seconds:
        parts.append(f"cut off for {view.cut_seconds:.1f} s")
    return " · ".join(parts)


class Progress:
    """A context in which ``show`` may be called as often as one likes."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._started = time.monotonic()
        self._live = Live(console=console, refresh_per_second=4, transient=True) if console.is_terminal else None
        self._said: dict[str, str] = {}
        self._last = View()

    def __enter__(self) -> Progress:
        if self._live:
            self._live.start()
        return self

    def __exit__(self, *exception: object) -> None:
        if self._live:
            self._live.stop()
            self._console.print(render(self._last, time.monotonic() - self._started))

    def show(self, view: View) -> None:
        """Show ``view``."""
        self._last = view
        elapsed = time.monotonic() - self._started
        if self._live:
            self._live.update(render(view, elapsed))
            return
        for step in view.steps:
            if step.state in (*OVER, "deferred") and self._said.get(step.task_id) != step.state:
                self._said[step.task_id] = step.state
                seconds = f"{step.seconds:.1f} s" if step.seconds is not None else ""
                self._console.print(f"{elapsed:6.1f} s  {step.state:<9} {step.task_id} {seconds}", highlight=False)
