"""What a teardown finds in PostgreSQL, as items: a trace for the report, and which step removes it. Pure.

What the report would call left is what a step removes, so that the two cannot disagree.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from pg_cdc.decisions import names
from pg_cdc.decisions.teardown.residue import Fate, Place, Trace, judge

SLOT = "slot"
AUDIT = "ddl_audit"
PGLOGICAL = "pglogical"
ROLE = "dms_role"
CONTROL = "control_schema"
TARGET = "target_control_tables"
PARAMETERS = "parameters"
"""The parts, each the work of one step. But for the slots they are the values of ``config.teardown.Keep``."""

Keeps = Mapping[str, str]
"""Part to why it stays on purpose; empty: it goes."""


@dataclass(frozen=True, kw_only=True)
class Item:
    """One thing. ``action`` names what removes it, ``argument`` what it needs to know."""

    part: str
    trace: Trace
    action: str = ""
    argument: str = ""

    @property
    def goes(self) -> bool:
        """Tell whether a step removes it."""
        return judge(self.trace).fate is Fate.LEFT and not self.trace.blocked

    @property
    def stays(self) -> bool:
        """Tell whether it is there, and will be after the teardown."""
        return bool(self.trace.exists) and not self.goes


def is_marked(comment: str | None) -> bool:
    """Tell whether a comment is our mark, whichever migration's."""
    return (comment or "").startswith(f"{names.TAG}=")


def quoted(*parts: str) -> str:
    """Return a name as it is written in SQL, for commands that a human runs."""
    plain = re.compile(r"[a-z_][a-z0-9_]*")
    return ".".join(part if plain.fullmatch(part) else '"' + part.replace('"', '""') + '"' for part in parts)


def delete_command(table: str, migration: str) -> str:
    """Return what deletes a migration's rows by hand."""
    return f"DELETE FROM pgcdc.{table} WHERE migration = '{migration}'"  # noqa: S608


def going(items: Iterable[Item], part: str) -> tuple[Item, ...]:
    """Return what the step of ``part`` removes."""
    return tuple(item for item in items if item.part == part and item.goes)


def blocked(items: Iterable[Item], part: str) -> tuple[str, ...]:
    """Return what the step of ``part`` must leave to a human, in words."""
    mine = (item.trace for item in items if item.part == part)
    return tuple(f"{trace.kind} {trace.name} is left: {trace.blocked}" for trace in mine if judge(trace).blocked)


def traces(items: Iterable[Item]) -> tuple[Trace, ...]:
    """Return the items' traces."""
    return tuple(item.trace for item in items)


def unchecked(items: Iterable[Item], why: str) -> tuple[Trace, ...]:
    """Return the traces of an end that could not be reached."""
    return tuple(replace(item.trace, exists=None, detail=why) for item in items)


def listed(found: Iterable[str], most: int = 5) -> str:
    """Return names for a sentence, not too many."""
    every = list(found)
    return ", ".join(every[:most]) + (f" and {len(every) - most} more" if len(every) > most else "")


def on_source(kind: str, name: str, **rest: object) -> Trace:
    """Return a trace of something on the source."""
    return Trace(place=Place.SOURCE, kind=kind, name=name, **rest)  # type: ignore[arg-type]


def on_target(kind: str, name: str, **rest: object) -> Trace:
    """Return a trace of something on the target."""
    return Trace(place=Place.TARGET, kind=kind, name=name, **rest)  # type: ignore[arg-type]
