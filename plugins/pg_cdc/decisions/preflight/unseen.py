"""Preflight of what no look at catalogues finds: it is said, or counted in the rows where that is asked for. Pure.

Source: https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Source.PostgreSQL.html#CHAP_Source.PostgreSQL.Limitations
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from pg_cdc.config import Migration, MigrationType
from pg_cdc.decisions.preflight.columns import makes_tables
from pg_cdc.decisions.preflight.findings import counted, named, note, warning
from pg_cdc.decisions.sql_text import quoted, statements
from pg_cdc.decisions.world import Finding

DateColumn = tuple[str, str, str]
"""Schema, table and column."""

InfiniteDates = Mapping[DateColumn, int | None]
"""How many infinite values each date or timestamp column has; None: it could not be read."""


def unseen_findings(
    migration: Migration, settings: Mapping[str, str], dates: InfiniteDates | None
) -> Iterator[Finding]:
    """Yield the findings. ``dates`` None: nobody has measured."""
    changes = migration.replication.migration_type is not MigrationType.FULL_LOAD
    if changes:
        yield from _two_phase(settings.get("max_prepared_transactions", "0"))
        yield note(
            "not_seen_by_looking",
            "what the applications do",
            found="no catalogue tells whether they update values of primary keys, truncate tables, run DDL inside of"
            " functions or DO blocks, or add and remove partitions: DMS ignores all of these",
            cure="ask who writes to these tables; compare both ends before the cut-over; for a new partition, reload it"
            " or run the migration again",
        )
    if makes_tables(migration):
        yield note(
            "tables_and_keys_only",
            "the tables that DMS makes",
            found="they have columns and a primary key: no secondary index, foreign key, check, default, view, user,"
            " inheritance or partitioning comes over",
            cure="make those after the load, by pg_dump --section=post-data; or make the target's tables beforehand and"
            " put FullLoadSettings.TargetTablePrepMode TRUNCATE_BEFORE_LOAD",
        )
    yield from _infinite(migration, dates or {})


def _two_phase(limit: str) -> Iterator[Finding]:
    if limit not in ("0", ""):
        yield warning(
            "two_phase_commit",
            "max_prepared_transactions",
            found=f"{limit}: transactions may be prepared, and DMS does not replicate those",
            expected="0, or no application that uses two-phase commit on the selected tables",
            cure="put max_prepared_transactions 0 in the parameter group, if nobody needs it",
        )


def _infinite(migration: Migration, dates: InfiniteDates) -> Iterator[Finding]:
    if found := {column: number for column, number in sorted(dates.items()) if number}:
        cures = [
            f"UPDATE {quoted(schema, table)} SET {quoted(name)} = NULL WHERE NOT isfinite({quoted(name)})"  # noqa: S608
            for schema, table, name in found
        ]
        yield warning(
            "infinite_date",
            named([f"{'.'.join(column)} ({number} rows)" for column, number in found.items()]),
            found=f"{counted(len(found), 'column')} with infinity or -infinity, which DMS moves as a finite date",
            expected="finite dates and timestamps, or NULL",
            cure=f"on the source, or on the target after the load: {statements(cures)} Or a far date in place of NULL",
        )
    if unread := _tables([column for column, number in dates.items() if number is None]):
        yield warning(
            "dates_not_measured",
            named(unread),
            found=f"{counted(len(unread), 'table')} with dates or timestamps that took over 15 minutes to read, or may"
            " not be read",
            expected="an answer: infinite values arrive as finite ones",
            cure="GRANT SELECT to the admin, or count them by hand: WHERE NOT isfinite(…)",
        )


def _tables(columns: Sequence[DateColumn]) -> list[str]:
    return list(dict.fromkeys(f"{schema}.{table}" for schema, table, _ in sorted(columns)))
