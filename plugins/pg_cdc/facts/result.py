"""Read what a migration has come to: parameters in force, slot, marker, tables with their rows. Changes nothing.

A report is written of failed runs too, so each part is read by itself; what cannot be read becomes a warning.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from pg_cdc.decisions import names
from pg_cdc.decisions.dms.assessment import is_run_name
from pg_cdc.decisions.dms.assessment_verdict import as_values, judge_assessment
from pg_cdc.decisions.dms.streaming import slot_facts
from pg_cdc.decisions.lake.files import written_rows
from pg_cdc.facts.assessment import read_individuals, read_runs
from pg_cdc.facts.dms import read_tables, read_task
from pg_cdc.facts.postgres import read_server
from pg_cdc.facts.rds import read_database
from pg_cdc.facts.row_counts import count_rows, too_large
from pg_cdc.facts.streaming import choose_slot, marker_state, read_marker
from pg_cdc.failures import CdcFailure
from pg_cdc.hooks.dms import CdcDmsHook
from pg_cdc.hooks.postgres import connect_source, connect_target
from pg_cdc.hooks.rds import CdcRdsHook

if TYPE_CHECKING:
    from pg_cdc.config import Migration
    from pg_cdc.decisions.dms.task import TableStatistics, Task
    from pg_cdc.decisions.world import Database
    from pg_cdc.facts.row_counts import Name

Read = TypeVar("Read")


@dataclass
class Result:
    """What was read, as the report's JSON values; ``unread``: what was not, and why."""

    source: dict[str, Any] = field(default_factory=dict)
    settings: Mapping[str, str] = field(default_factory=dict)
    slot: dict[str, Any] = field(default_factory=dict)
    marker: dict[str, Any] = field(default_factory=dict)
    assessment: dict[str, Any] = field(default_factory=dict)
    tables: list[dict[str, Any]] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)

    def read(self, what: str, reading: Callable[[], Read]) -> Read | None:
        """Return what ``reading`` returns; None, and a word in ``unread``, when it fails."""
        try:
            return reading()
        except Exception as err:
            why = err.found if isinstance(err, CdcFailure) else f"{type(err).__name__}: {err}"
            self.unread.append(f"could not read {what} for this report: {why}")
            return None


def read_result(migration: Migration) -> Result:
    """Return everything that can be read now."""
    result = Result()
    hook = CdcRdsHook.of(migration)
    database = result.read("the source", lambda: read_database(hook, migration.source.identifier))
    if database is None:
        return result
    result.source = {"engine": database.engine.value, "version": database.version, "host": database.host}
    task = result.read("the replication task", lambda: _task(migration))
    if task is not None and migration.assessment.wanted:
        result.assessment = result.read("the assessment of the task", lambda: _assessment(migration, task)) or {}
    result.read("the source server", lambda: _read_source(result, migration, database, task))
    if task is not None:
        result.read("the tables", lambda: _read_tables(result, migration, database, hook, task))
    return result


def _assessment(migration: Migration, task: Task) -> dict[str, Any]:
    """Return the newest assessment of the task that is over; empty: there is none."""
    hook = CdcDmsHook.of(migration)
    over = [run for run in read_runs(hook, task.arn) if is_run_name(migration.name, run.name) and run.over]
    return as_values(judge_assessment(over[-1], read_individuals(hook, over[-1]))) if over else {}


def _task(migration: Migration) -> Task | None:
    return read_task(CdcDmsHook.of(migration), names.resource(migration.name))


def _read_source(result: Result, migration: Migration, database: Database, task: Task | None) -> None:
    with connect_source(migration, database) as conn:
        result.settings = read_server(conn).settings
        if task is None:
            return
        choice = choose_slot(conn, migration, task.arn)
        if choice.slot is not None:
            result.slot = {key: slot_facts(choice)[key] for key in ("name", "plugin", "active", "retained_bytes")}
        made, _ = marker_state(conn, migration.dms_role.name)
        marker = read_marker(conn, migration.name) if made else None
        if marker is not None and marker.seconds is not None:
            result.marker = {"seconds": marker.seconds}


def _read_tables(result: Result, migration: Migration, database: Database, hook: CdcRdsHook, task: Task) -> None:
    """Read states and counts, the source last: what is written meanwhile shows as a target that is behind.

    Of a bucket, DMS's own counts are taken: only all files of a table together tell how many rows it has now.
    """
    statistics = [t for t in read_tables(CdcDmsHook.of(migration), task.arn) if t.schema != names.CONTROL_SCHEMA]
    wanted = [(table.schema, table.table) for table in statistics]
    with connect_source(migration, database) as source, ExitStack() as stack:
        large = too_large(source, wanted)
        if migration.lake.bucket:
            there = written_rows(statistics)
        else:
            target = stack.enter_context(connect_target(migration, hook))
            there = result.read("rows on the target", lambda: count_rows(target, wanted, estimated=large)) or {}
        here = result.read("rows on the source", lambda: count_rows(source, wanted, estimated=large)) or {}
    result.tables = [_row(table, here, there) for table in statistics]
    if large:
        result.unread.append(f"rows are estimated, not counted, for {_named(large)}")


def _row(table: TableStatistics, here: Mapping[Name, int], there: Mapping[Name, int]) -> dict[str, Any]:
    name = (table.schema, table.table)
    return {
        "schema": table.schema,
        "table": table.table,
        "state": table.state,
        "source_rows": here.get(name),
        "target_rows": there.get(name),
    }


def _named(tables: Iterable[Name]) -> str:
    return ", ".join(sorted(f"{schema}.{table}" for schema, table in tables))
