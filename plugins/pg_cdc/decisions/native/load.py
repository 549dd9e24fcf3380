"""Decide what is left to load, in which order, how many tables at once, and in which form. Pure.

Source: https://www.postgresql.org/docs/current/sql-copy.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pg_cdc.decisions.native.world import Column, LoadFacts, Name, written
from pg_cdc.failures import Differs

SMALL = 2
"""vCPUs of the small and burstable sizes, and what is taken of a server whose size nobody tells."""

MOST_STREAMS = 16
MOST_INDEX_JOBS = 8
MOST_HELPERS = 7


@dataclass(frozen=True, kw_only=True)
class TableCopy:
    """One table to copy: these columns, in this order, in binary or in text."""

    name: Name
    columns: tuple[str, ...]
    binary: bool
    bytes: int
    rows: int


def cores_of(instance_class: str | None) -> int:
    """Return the vCPUs of an RDS instance class. https://aws.amazon.com/rds/instance-types/"""
    size = (instance_class or "").rpartition(".")[2]
    if size == "xlarge":
        return 4
    if match := re.fullmatch(r"(\d+)xlarge", size):
        return 4 * int(match[1])
    return SMALL


def streams(asked: int | None, source_class: str | None, target_class: str | None) -> int:
    """Return how many tables are copied at once: half the cores of the smaller end, as each COPY keeps one busy.

    Measured on two cores, a second stream was slower than one: decoding and writing share them.
    """
    return asked or min(max(min(cores_of(source_class), cores_of(target_class)) // 2, 1), MOST_STREAMS)


def index_jobs(asked: int | None, target_class: str | None) -> int:
    """Return how many indexes are built at once."""
    return asked or min(cores_of(target_class), MOST_INDEX_JOBS)


def helpers(jobs: int, indexes: int, target_class: str | None) -> int | None:
    """Return how many processes help to build each index: the cores that are left. None: nobody tells how many.

    Two builds beside each other keep two cores busy; what helps them then only takes turns with them.
    """
    if target_class is None:
        return None
    at_once = max(min(jobs, indexes), 1)
    return min(max(cores_of(target_class) // at_once - 1, 0), MOST_HELPERS)


def remaining(facts: LoadFacts) -> tuple[TableCopy, ...]:
    """Return what is not loaded as of the snapshot, the largest first: the last to end is then a small one.

    :raises Differs: a table is missing on the target, or has other columns there.
    """
    point = facts.snapshot.consistent_point if facts.snapshot else None
    if problems := list(_unlike(facts)):
        raise Differs(
            found="; ".join(problems),
            expected="the tables of the source, as copy_schema made them",
            next="give the target the same columns, or drop the tables there and clear copy_schema",
        )
    left = [table for table in facts.published if point is None or _loaded_at(facts, table.name) != point]
    return tuple(
        TableCopy(
            name=table.name,
            columns=tuple(column.name for column in facts.source_columns[table.name] if not column.generated),
            binary=_is_binary(facts, table.name),
            bytes=table.bytes,
            rows=table.estimated_rows,
        )
        for table in sorted(left, key=lambda table: (-table.bytes, table.name))
    )


def _loaded_at(facts: LoadFacts, name: Name) -> str | None:
    done = facts.loaded.get(name)
    return done.consistent_point if done else None


def _unlike(facts: LoadFacts) -> Iterator[str]:
    for table in facts.published:
        here, there = facts.source_columns.get(table.name, ()), facts.target_columns.get(table.name)
        if there is None:
            yield f"no table {written(table.name)} on the target"
        elif missing := _types(here).keys() - _types(there).keys():
            yield f"{written(table.name)} on the target lacks {', '.join(sorted(missing))}"


def _is_binary(facts: LoadFacts, name: Name) -> bool:
    """Tell whether the binary form means the same on both ends: types that are the same, and hold no OIDs."""
    there = _types(facts.target_columns[name])
    columns = [column for column in facts.source_columns[name] if not column.generated]
    return all(column.binary and there.get(column.name) == column.type for column in columns)


def _types(columns: tuple[Column, ...]) -> Mapping[str, str]:
    return {column.name: column.type for column in columns if not column.generated}


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How far a load is. ``bytes`` as they went over the wire, ``total`` as the source's tables are large."""

    done: int
    tables: int
    bytes: int
    total: int
    seconds: float
    now: tuple[str, ...] = ()


def told(progress: Progress) -> str:
    """Return the progress in a line: tables, bytes, rate, time left, and what is being copied."""
    rate = progress.bytes / progress.seconds if progress.seconds > 0 else 0.0
    parts = [
        f"{progress.done} of {progress.tables} tables",
        f"{size(progress.bytes)} of about {size(progress.total)}",
        f"{size(int(rate))}/s",
    ]
    if rate and progress.total > progress.bytes:
        parts.append(f"about {(progress.total - progress.bytes) / rate:.0f} s left")
    return ", ".join(parts) + (f"; now {', '.join(progress.now)}" if progress.now else "")


def size(number: int) -> str:
    """Return bytes for people."""
    value = float(number)
    for unit in ("B", "kB", "MB", "GB"):
        if value < 1024:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1024
    return f"{value:.1f} TB"
