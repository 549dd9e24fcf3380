"""Preflight of LOB columns: what limited mode would cut, and what DMS would not move at all. Pure.

Source: https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Source.PostgreSQL.html#CHAP_Source.PostgreSQL.DataTypes
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from pg_cdc.config import Migration, MigrationType
from pg_cdc.decisions.preflight.column_types import is_lob
from pg_cdc.decisions.preflight.findings import counted, error, named, warning
from pg_cdc.decisions.preflight.lob_modes import LobHandling, LobMode, table_lob_modes, task_lob_mode
from pg_cdc.decisions.preflight.table_facts import Column, TableName
from pg_cdc.decisions.world import Finding, Table

KILOBYTE = 1024

Sizes = Mapping[tuple[str, str, str], int]


def lob_findings(
    migration: Migration, chosen: Sequence[Table], columns: Sequence[Column], sizes: Sizes | None
) -> Iterator[Finding]:
    """Yield the findings on the LOBs among ``columns``. ``sizes``: the largest values of those measured.

    None: nobody has measured here; where the spec asks for it, preflight has, and nothing is said again.
    """
    own, default = table_lob_modes(migration), task_lob_mode(migration)
    lobs = [(column, own.get(column.table_name, default)) for column in columns if is_lob(column)]
    yield from _left_out([column for column, mode in lobs if mode.handling is LobHandling.NONE])
    limited = [(column, mode) for column, mode in lobs if mode.handling is LobHandling.LIMITED]
    if sizes is not None or not migration.replication.measure_lobs:
        yield from _cut([(column, mode) for column, mode in limited if _key(column) not in (sizes or {})])
    yield from _too_long(limited, sizes or {})
    yield from _in_key([column for column, _ in lobs if column.in_key])
    keyless = {(table.schema, table.name) for table in chosen if table.kind == "r" and not table.has_primary_key}
    yield from _array_without_key([column for column, _ in lobs if column.kind == "a"], keyless)
    yield from _without_key(migration, [(column, mode) for column, mode in lobs if column.table_name in keyless])
    yield from _batch(migration, [column for column, mode in lobs if mode.handling is LobHandling.FULL])


def suggested_kilobytes(size: int) -> int:
    """Return a limit with room to grow: double the largest value, in whole kilobytes."""
    return max(-(-2 * size // KILOBYTE), 1)


def _key(column: Column) -> tuple[str, str, str]:
    return column.schema, column.table, column.name


def _tables(columns: Sequence[Column]) -> list[str]:
    return list(dict.fromkeys(f"{column.schema}.{column.table}" for column in columns))


def _left_out(columns: Sequence[Column]) -> Iterator[Finding]:
    if columns:
        yield error(
            "lobs_left_out",
            named(list(map(str, columns))),
            found=f"{counted(len(columns), 'LOB column')}, and the settings leave LOBs out: the target would have NULL",
            expected="TargetMetadata.SupportLobs true, and no lob-settings of mode none",
            cure="put TargetMetadata.SupportLobs true, or remove the columns by a rule",
        )


def _cut(limited: Sequence[tuple[Column, LobMode]]) -> Iterator[Finding]:
    """Warn of what may be cut, where nobody has measured or could."""
    if limited:
        with_lobs = _tables([column for column, _ in limited])
        limits = " or ".join(str(number) for number in sorted({mode.kilobytes for _, mode in limited}))
        yield warning(
            "lob_column",
            named(with_lobs),
            found=f"{counted(len(with_lobs), 'table')} with text, json, bytea or other LOB columns; "
            f"values over {limits} KB are cut",
            expected="a limit above the longest value",
            cure="put replication.measure_lobs true to have the longest values measured (what takes over 15 minutes or"
            " may not be read is not); then raise TargetMetadata.LobMaxSize above them, or set FullLobMode",
        )


def _too_long(limited: Sequence[tuple[Column, LobMode]], sizes: Sizes) -> Iterator[Finding]:
    over = [
        (size, mode.kilobytes, str(column))
        for column, mode in limited
        if (size := sizes.get(_key(column), 0)) > mode.kilobytes * KILOBYTE
    ]
    if over:
        largest = max(size for size, _, _ in over)
        told = [f"{name} ({-(-size // KILOBYTE)} KB)" for size, _, name in sorted(over, reverse=True)]
        yield error(
            "lob_too_long",
            named(told),
            found=f"{counted(len(over), 'column')} with values that would be cut at "
            f"{' or '.join(str(limit) for limit in sorted({limit for _, limit, _ in over}))} KB",
            expected=f"TargetMetadata.LobMaxSize of {-(-largest // KILOBYTE)} or more",
            cure=f"put TargetMetadata.LobMaxSize {suggested_kilobytes(largest)}, which leaves room to grow,"
            " or set FullLobMode",
        )


def _in_key(columns: Sequence[Column]) -> Iterator[Finding]:
    if columns:
        yield error(
            "lob_in_key",
            named(list(map(str, columns))),
            found=f"{counted(len(columns), 'LOB column')} in a primary key: DMS does not replicate such a table",
            expected="a key of types that are no LOBs",
            cure="make it varchar(n) (ALTER TABLE … ALTER COLUMN … TYPE varchar(n)), or exclude the tables",
        )


def _array_without_key(columns: Sequence[Column], keyless: frozenset[TableName] | set[TableName]) -> Iterator[Finding]:
    if arrays := [str(column) for column in columns if column.table_name in keyless]:
        yield error(
            "array_without_key",
            named(arrays),
            found=f"{counted(len(arrays), 'array column')} in tables without a primary key: DMS suspends such a table",
            expected="a primary key",
            cure="add a primary key, or exclude the tables",
        )


def _without_key(migration: Migration, lobs: Sequence[tuple[Column, LobMode]]) -> Iterator[Finding]:
    """Warn where LOBs cannot be looked up by a key: in full mode always, with changes in any mode."""
    changes = migration.replication.migration_type is not MigrationType.FULL_LOAD
    bad = [
        column
        for column, mode in lobs
        if column.kind != "a"
        and mode.handling is not LobHandling.NONE
        and (changes or mode.handling is LobHandling.FULL)
    ]
    if bad:
        names = _tables(bad)
        yield warning(
            "lob_without_key",
            named(names),
            found=f"{counted(len(names), 'table')} with LOB columns and no primary key: DMS finds LOBs by the key",
            expected="a primary key",
            cure="add a primary key, or exclude the tables",
        )


def _batch(migration: Migration, full: Sequence[Column]) -> Iterator[Finding]:
    target = migration.replication.task_settings.get("TargetMetadata", {})
    if full and target.get("BatchApplyEnabled") is True:
        names = _tables(full)
        yield warning(
            "batch_apply_full_lob",
            named(names),
            found=f"BatchApplyEnabled, and {counted(len(names), 'table')} in full LOB mode: every batch fails",
            expected="limited LOB mode",
            cure="put TargetMetadata.LimitedSizeLobMode true, or BatchApplyEnabled false",
        )
