"""Preflight of column types: what arrives as another type, rounded, or not at all. Pure.

Source: https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Source.PostgreSQL.html#CHAP_Source.PostgreSQL.Limitations
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from pg_cdc.config import Migration
from pg_cdc.decisions.preflight.column_types import CHANGED_KINDS, Fate, fates
from pg_cdc.decisions.preflight.findings import counted, error, named, note, warning
from pg_cdc.decisions.preflight.table_facts import Column
from pg_cdc.decisions.sql_text import quoted, statements
from pg_cdc.decisions.world import Finding, Server

DROP_AND_CREATE = "DROP_AND_CREATE"
KEEP_TARGET = (
    "make the target's tables beforehand with their own types, and put FullLoadSettings.TargetTablePrepMode"
    " TRUNCATE_BEFORE_LOAD"
)


class Saying(NamedTuple):
    """What is said of the columns of one fate. ``sql``: a statement for each, before ``cure``."""

    make: Callable[..., Finding]
    code: str
    found: str
    expected: str
    cure: str
    sql: Callable[[Column], str] | None = None


def makes_tables(migration: Migration) -> bool:
    """Tell whether DMS drops and makes the target's tables: its types are used then."""
    full_load = migration.replication.task_settings.get("FullLoadSettings", {})
    return bool(full_load.get("TargetTablePrepMode", DROP_AND_CREATE) == DROP_AND_CREATE)


def column_findings(migration: Migration, columns: Sequence[Column], target: Server | None) -> Iterator[Finding]:
    """Yield the findings on the types of ``columns``; those that only matter to a table made by DMS, only then."""
    by_fate = _by_fate(columns)
    made = makes_tables(migration)
    for fate, saying in SAYINGS.items():
        if (there := by_fate.get(fate)) and (made or fate not in MADE_ONLY):
            yield _say(saying, there)
    yield from _geographic(by_fate.get(Fate.GEOGRAPHIC, []), target)


def _by_fate(columns: Iterable[Column]) -> Mapping[Fate, list[Column]]:
    """Group the columns; the fate of each type is worked out once."""
    known: dict[tuple[str, str, int | None], frozenset[Fate]] = {}
    found: dict[Fate, list[Column]] = {}
    for column in columns:
        key = (column.type, column.kind, column.size)
        if key not in known:
            known[key] = fates(column)
        for fate in known[key]:
            found.setdefault(fate, []).append(column)
    return found


def _say(saying: Saying, columns: Sequence[Column]) -> Finding:
    cure = f"{statements([saying.sql(column) for column in columns])} {saying.cure}" if saying.sql else saying.cure
    told = {"found": f"{counted(len(columns), 'column')} {saying.found}", "expected": saying.expected, "cure": cure}
    if saying.make is note:
        del told["expected"]
    return saying.make(saying.code, named([f"{column} ({_type(column)})" for column in columns]), **told)


def _type(column: Column) -> str:
    kind = CHANGED_KINDS.get(column.kind)
    return f"{kind} {column.type}" if kind and column.kind != "r" else column.type


def _alter(type_: str) -> Callable[[Column], str]:
    def statement(column: Column) -> str:
        return f"ALTER TABLE {quoted(*column.table_name)} ALTER COLUMN {quoted(column.name)} TYPE {type_}"

    return statement


def _geographic(columns: Sequence[Column], target: Server | None) -> Iterator[Finding]:
    if columns and target is not None and "postgis" not in target.installed_extensions:
        yield error(
            "postgis_missing_on_target",
            named([f"{column} ({column.type})" for column in columns]),
            found=f"{counted(len(columns), 'PostGIS column')}, and no extension postgis in the target's database",
            expected="the extension on the target: DMS moves PostGIS types between databases that both have it",
            cure="on the target: CREATE EXTENSION postgis;",
        )


MADE_ONLY = frozenset({Fate.CHANGED, Fate.ROUNDED, Fate.TOO_PRECISE, Fate.NO_LENGTH})
"""Fates of a table that DMS makes; into a column that has the right type, the value goes back as it was."""

SAYINGS: Mapping[Fate, Saying] = {
    Fate.LARGE_OBJECT: Saying(
        warning,
        "large_object",
        "that may point at large objects, which DMS does not move: the target would point at nothing",
        "bytea in the place of large objects",
        "keep the contents in a bytea column (lo_get(oid) gives them), or move them by pg_dump --large-objects",
    ),
    Fate.UNKNOWN: Saying(
        warning,
        "type_unknown_to_dms",
        "of types that DMS does not list: they may be left out or suspend their table",
        "types of AWS's list",
        "try it on a copy first, or leave the column out by a rule (remove-column) and move it by other means",
    ),
    Fate.ROUNDED: Saying(
        warning,
        "numeric_without_precision",
        "of numeric without a precision: a table made by DMS has numeric(28,6), and values are rounded",
        "a precision and scale that hold every value",
        f"on the source, or {KEEP_TARGET}",
        _alter("numeric(38,10)"),
    ),
    Fate.TOO_PRECISE: Saying(
        warning,
        "numeric_too_precise",
        "of numeric with over 38 digits: a table made by DMS has characters instead",
        "at most 38 digits",
        KEEP_TARGET,
    ),
    Fate.CHANGED: Saying(
        warning,
        "type_changed",
        "of types that a table made by DMS has as characters or numbers, or that AWS lists as not migrated",
        "a target that has these types itself",
        KEEP_TARGET,
    ),
    Fate.ZONE_LOST: Saying(
        warning,
        "time_zone_lost",
        "of time with time zone: DMS moves it as time, without the zone",
        "a type that needs no zone",
        "on the source, if all values have one zone, or move the column by other means",
        _alter("time"),
    ),
    Fate.NO_LENGTH: Saying(
        note,
        "varchar_without_length",
        "of varchar without a length, which DMS takes as 8000 bytes: longer values may be cut",
        "",
        "on the source; or take text, which is moved as a LOB",
        _alter("varchar(4000)"),
    ),
}
