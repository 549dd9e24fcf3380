"""Decide whether a run of slot hygiene may act, or only tells what was. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from pg_cdc.decisions.amounts import time_text

PRESENT_TYPES = frozenset({"scheduled", "manual", "asset_triggered", "asset_materialization", "operator_triggered"})
SHORTEST_TOLERANCE = 1800.0
"""A scheduler that was down for some minutes makes no run of the past."""


@dataclass(frozen=True, kw_only=True)
class Mode:
    """Whether a run acts, and why."""

    acts: bool
    why: str


def run_mode(
    run_type: str, interval_end: float | None, now: float, every_seconds: float, *, waited_seconds: float = 0.0
) -> Mode:
    """Return what a run may do. Only a run of the present acts: what it saw is what is.

    ``interval_end`` None: the run has no interval. ``waited_seconds``: how long it waited for a human; that does not
    make it old.
    """
    if run_type == "backfill":
        return Mode(acts=False, why="a backfill tells what was and changes nothing")
    if run_type not in PRESENT_TYPES:
        return Mode(acts=False, why=f"a run of type {run_type!r} is not known here, so it changes nothing")
    if interval_end is None:
        return Mode(acts=True, why=f"a {run_type} run of the present")
    return _by_age(run_type, now - interval_end - waited_seconds, max(2 * every_seconds, SHORTEST_TOLERANCE))


def _by_age(run_type: str, age: float, tolerance: float) -> Mode:
    if age > tolerance:
        return Mode(acts=False, why=f"its interval ended {time_text(age)} ago: a run of the past changes nothing")
    if age < -tolerance:
        return Mode(acts=False, why=f"its interval ends only in {time_text(-age)}: it changes nothing yet")
    return Mode(acts=True, why=f"a {run_type} run of the present")
