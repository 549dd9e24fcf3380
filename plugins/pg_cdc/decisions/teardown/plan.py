"""Judge a teardown: what it came to, by the residue and by its steps. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from enum import StrEnum
from typing import Any

from pg_cdc.config.teardown import Keep, Teardown
from pg_cdc.decisions.report import Step
from pg_cdc.decisions.teardown.parameter_traces import UNREACHED
from pg_cdc.decisions.teardown.residue import Fate, Place, Residue, Trace, as_values, counts, is_clean


class Ending(StrEnum):
    """What a teardown came to."""

    PLANNED = "planned"
    REJECTED = "rejected"
    CLEAN = "clean"
    FAILED = "failed"


def excused(traces: Iterable[Trace], teardown: Teardown, *, source_deleted: bool) -> Iterator[Trace]:
    """Yield the traces, but for what could not be checked and need not be, because its end was to be kept as it is.

    A source that is only unreachable is not excused: a slot on it may be filling its disk.
    """
    for trace in traces:
        on_source = trace.place is Place.SOURCE or trace.kind == UNREACHED
        if trace.exists is None and trace.place is Place.TARGET and Keep.TARGET in teardown.keep:
            yield replace(trace, exists=True, keep=f"kept as asked: target; not looked at ({trace.detail})")
        elif trace.exists is None and on_source and source_deleted and Keep.SOURCE in teardown.keep:
            yield replace(trace, exists=False, detail="it went with the source, which RDS has no more")
        else:
            yield trace


def has_work(lines: Iterable[Residue]) -> bool:
    """Tell whether anything is there that a step would take down."""
    return any(line.fate is Fate.LEFT and not line.blocked for line in lines)


def judge_teardown(
    lines: Sequence[Residue], steps: Iterable[Step], *, dry_run: bool, rejected: bool
) -> tuple[Ending, tuple[str, ...]]:
    """Return how a teardown ended, and why it failed."""
    failed = [step for step in steps if step.state == "failed"]
    told = [f"{step.task_id} failed: {step.failure.get('found', 'see its log')}" for step in failed]
    told += [f"could not check {line.place} {line.kind} {line.name}: {line.why}" for line in lines if _unchecked(line)]
    if not (dry_run or rejected) and not is_clean(lines):
        told += [f"left: {line.place} {line.kind} {line.name}" for line in lines if line.fate is Fate.LEFT]
    if told:
        return Ending.FAILED, tuple(told)
    if dry_run:
        return Ending.PLANNED, ()
    return (Ending.REJECTED if rejected else Ending.CLEAN), ()


def as_json(
    migration: str, lines: Sequence[Residue], *, ending: Ending, why: Sequence[str], teardown: Teardown
) -> dict[str, Any]:
    """Return the report as JSON values."""
    return {
        "migration": migration,
        "status": ending.value,
        "why": list(why),
        "dry_run": teardown.dry_run,
        "scope": teardown.scope.value,
        "keep": [thing.value for thing in teardown.keep],
        "counts": counts(lines),
        "lines": as_values(lines),
    }


def _unchecked(line: Residue) -> bool:
    return line.fate is Fate.UNCHECKED
