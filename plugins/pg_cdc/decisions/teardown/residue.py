"""What a teardown leaves: every kind of thing we can make, where it is, and what becomes of it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from pg_cdc.decisions.markdown import bullets, section, table


class Place(StrEnum):
    """Where a thing is."""

    AWS = "aws"
    SOURCE = "source"
    TARGET = "target"


class Fate(StrEnum):
    """What became of a thing, or what will."""

    GONE = "gone"
    KEPT = "kept"
    LEFT = "left"
    UNCHECKED = "could not check"
    FOREIGN = "not ours"


@dataclass(frozen=True, kw_only=True)
class Trace:
    """One thing that a migration can make, as it was found.

    ``exists`` None: could not be checked. ``ours``: it carries our mark. ``keep``: why it stays on purpose; empty: it
    goes. ``blocked``: why it is ours to remove and we may not; a human must. ``command``: what removes it by hand,
    exactly. ``detail``: what was found, or why it could not be checked.
    """

    place: Place
    kind: str
    name: str
    exists: bool | None
    ours: bool = True
    keep: str = ""
    blocked: str = ""
    command: str = ""
    detail: str = ""


@dataclass(frozen=True, kw_only=True)
class Residue:
    """One line of the report."""

    place: str
    kind: str
    name: str
    fate: Fate
    why: str = ""
    command: str = ""
    blocked: bool = False


def judge(trace: Trace) -> Residue:
    """Say what became of a thing. What exists, is ours and is not kept is left: that is the failure of a teardown."""
    line = Residue(place=trace.place.value, kind=trace.kind, name=trace.name, fate=Fate.GONE, why=trace.detail)
    if trace.exists is None:
        return replace(line, fate=Fate.UNCHECKED, command=trace.command)
    if not trace.exists:
        return line if trace.ours and not trace.keep else replace(line, why="")
    if not trace.ours:
        return replace(line, fate=Fate.FOREIGN, why=trace.detail or "it has our name and not our mark")
    if trace.keep:
        return replace(line, fate=Fate.KEPT, why=trace.keep)
    why = trace.blocked or trace.detail
    return replace(line, fate=Fate.LEFT, why=why, command=trace.command, blocked=bool(trace.blocked))


def judge_all(traces: Iterable[Trace]) -> tuple[Residue, ...]:
    """Return a line for each trace, what needs a human first."""
    order = (Fate.LEFT, Fate.UNCHECKED, Fate.FOREIGN, Fate.KEPT, Fate.GONE)
    return tuple(sorted(map(judge, traces), key=lambda line: (order.index(line.fate), line.place, line.kind)))


def is_clean(lines: Iterable[Residue]) -> bool:
    """Tell whether nothing is left and everything could be checked."""
    return not any(line.fate in (Fate.LEFT, Fate.UNCHECKED) for line in lines)


def counts(lines: Sequence[Residue]) -> dict[str, int]:
    """Return how many lines each fate has."""
    return {fate.value: sum(line.fate is fate for line in lines) for fate in Fate}


def as_values(lines: Iterable[Residue]) -> list[dict[str, Any]]:
    """Return the lines as JSON values."""
    return [{**vars(line), "fate": line.fate.value} for line in lines]


def as_markdown(migration: str, lines: Sequence[Residue], *, planned: bool) -> str:
    """Return the report for people; ``planned``: of a dry run, in the future tense."""
    title = f"# Teardown of {migration}: {_verdict(lines, planned)}"
    words = {Fate.LEFT: "will go" if planned else "left", Fate.KEPT: "will be kept" if planned else "kept on purpose"}
    rows = [
        {**vars(line), "fate": "will be left" if planned and line.blocked else words.get(line.fate, line.fate.value)}
        for line in lines
        if not planned or line.fate is not Fate.GONE
    ]
    by_hand = [line for line in lines if line.command and (line.blocked or not planned)]
    commands = [f"{line.kind} {line.name}: `{line.command}`" for line in by_hand]
    parts = [
        title,
        table(("place", "kind", "name", "fate", "why"), rows),
        section("By hand", bullets(commands)),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _verdict(lines: Sequence[Residue], planned: bool) -> str:
    found = counts(lines)
    if planned:
        blocked = sum(line.blocked for line in lines)
        told = f"{found['left'] - blocked} will go, {found['kept']} will be kept"
        return f"{told}, {blocked} will be left for a human" if blocked else told
    if is_clean(lines):
        return "nothing is left"
    return f"{found['left']} left, {found['could not check']} could not be checked"
