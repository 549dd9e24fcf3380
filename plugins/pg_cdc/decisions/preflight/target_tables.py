"""Preflight of the tables that are on the target already, and of the rights of the login there. Pure.

Tables are looked up by the source's names: where a transformation renames them, nothing is said.
Source: https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Target.PostgreSQL.html#CHAP_Target.PostgreSQL.Limitations
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pg_cdc.config import Migration, MigrationType
from pg_cdc.decisions import names
from pg_cdc.decisions.preflight.column_types import is_lob
from pg_cdc.decisions.preflight.findings import counted, error, named, note, warning
from pg_cdc.decisions.preflight.lob_modes import LobHandling, table_lob_modes, task_lob_mode
from pg_cdc.decisions.preflight.table_facts import Shapes, TargetShapes, TargetTable
from pg_cdc.decisions.sql_text import quoted, statements
from pg_cdc.decisions.world import Finding, Server, Table

PREPARE = ("DROP_AND_CREATE", "TRUNCATE_BEFORE_LOAD", "DO_NOTHING")
AS_REPLICA = "replica"
RENAMED = ("schema", "table")


@dataclass(frozen=True)
class Load:
    """What the task will do with the target's tables. ``prepare``: TargetTablePrepMode; empty: nothing is loaded."""

    migration: Migration
    prepare: str
    batches: bool


def target_table_findings(
    migration: Migration,
    chosen: Sequence[Table],
    source: Shapes,
    target: TargetShapes,
    server: Server,
    *,
    loaded: bool,
) -> Iterator[Finding]:
    """Yield the findings on what is there. ``loaded``: the task has a slot, so it will not load again."""
    load = _load(migration, loaded)
    wanted = set() if _renames(migration) else {(table.schema, table.name) for table in chosen}
    there = [table for table in target.tables if (table.schema, table.name) in wanted]
    yield from _rights(load, {schema for schema, _ in wanted}, there, target)
    if server.settings.get("session_replication_role") != AS_REPLICA:
        yield from _foreign_keys(load, there)
        yield from _triggers(there)
    yield from _indexes(load, there)
    yield from _required_lobs(load, source, there)
    if load.batches:
        yield from _batches(load, there)


def _renames(migration: Migration) -> bool:
    """Tell whether tables have other names on the target than on the source."""
    rules = migration.tables.rules
    return any(rule.get("rule-type") == "transformation" and rule.get("rule-target") in RENAMED for rule in rules)


def _load(migration: Migration, loaded: bool) -> Load:
    settings = migration.replication.task_settings
    prepare = str(settings.get("FullLoadSettings", {}).get("TargetTablePrepMode", PREPARE[0]))
    loads = migration.replication.migration_type is not MigrationType.CDC and not loaded
    changes = migration.replication.migration_type is not MigrationType.FULL_LOAD
    batches = settings.get("TargetMetadata", {}).get("BatchApplyEnabled") is True
    return Load(migration, prepare if loads else "", batches and changes)


def _rights(load: Load, schemas: set[str], there: Sequence[TargetTable], target: TargetShapes) -> Iterator[Finding]:
    """Refuse what would fail for want of a right. A schema that is not there has to be made."""
    control = load.migration.replication.task_settings.get("ControlTablesSettings", {}).get("ControlSchema") or "public"
    database = quoted(load.migration.target.database)
    for schema in sorted(schemas | {control, names.CONTROL_SCHEMA}):
        if not target.schemas.get(schema, target.may_create):
            missing = schema not in target.schemas
            what = f"CREATE ON DATABASE {database}" if missing else f"USAGE, CREATE ON SCHEMA {quoted(schema)}"
            yield error(
                "target_privilege_missing",
                schema,
                found=f"the login of the target may not {'make this schema' if missing else 'make tables in it'}",
                expected=what,
                cure=f"as the owner, on the target: GRANT {what} TO its login;",
            )
    drops = load.prepare == PREPARE[0]
    if refused := [table for table in there if not (table.owned if drops else table.owned or table.writable)]:
        yield error(
            "target_table_not_ours",
            named(list(map(str, refused))),
            found=f"{counted(len(refused), 'table')} that the target's login may not {'drop' if drops else 'write'}",
            expected="tables that the login of the target owns",
            cure=statements([f"ALTER TABLE {quoted(t.schema, t.name)} OWNER TO the login" for t in refused]),
        )


def _foreign_keys(load: Load, there: Sequence[TargetTable]) -> Iterator[Finding]:
    """Warn, and refuse where the load begins with a DROP or TRUNCATE that they stop."""
    if not (bound := [table for table in there if table.foreign_keys]):
        return
    stops = load.prepare in PREPARE[:2]
    make: Callable[..., Finding] = error if stops else warning
    yield make(
        "target_foreign_key",
        named(_with(bound, "foreign_keys")),
        found=f"{counted(len(bound), 'table')} on the target with foreign keys from or to them:"
        + (f" {load.prepare} fails" if stops else " rows come in another order than they demand"),
        expected="no foreign keys until the load is done, or session_replication_role replica on the target",
        cure="drop them until cut-over (ALTER TABLE … DROP CONSTRAINT …; keep pg_dump --section=post-data),"
        " or put session_replication_role replica in the target's parameter group",
    )


def _triggers(there: Sequence[TargetTable]) -> Iterator[Finding]:
    if firing := [table for table in there if table.triggers]:
        yield warning(
            "target_trigger",
            named(_with(firing, "triggers")),
            found=f"{counted(len(firing), 'table')} on the target with triggers: they fire for rows that come by DMS",
            expected="triggers that are disabled until cut-over",
            cure=statements([f"ALTER TABLE {quoted(t.schema, t.name)} DISABLE TRIGGER USER" for t in firing])
            + " and ENABLE TRIGGER USER at cut-over",
        )


def _indexes(load: Load, there: Sequence[TargetTable]) -> Iterator[Finding]:
    slow = [table for table in there if table.other_indexes]
    if slow and load.prepare in PREPARE[1:]:
        yield note(
            "target_secondary_index",
            named(_with(slow, "other_indexes")),
            found=f"{counted(len(slow), 'table')} on the target with secondary indexes, which slow the load down",
            cure="drop them, and make them again after the load",
        )


def _required_lobs(load: Load, source: Shapes, there: Sequence[TargetTable]) -> Iterator[Finding]:
    """Refuse NOT NULL on a LOB in full mode: DMS inserts the row with NULL, and the LOB after it."""
    if load.prepare == PREPARE[0]:
        return
    required = {(table.schema, table.name, name) for table in there for name in table.not_null}
    own, default = table_lob_modes(load.migration), task_lob_mode(load.migration)
    bad = [
        column
        for column in source.columns
        if (*column.table_name, column.name) in required
        and is_lob(column)
        and own.get(column.table_name, default).handling is LobHandling.FULL
    ]
    if bad:
        yield error(
            "target_lob_not_null",
            named(list(map(str, bad))),
            found=f"{counted(len(bad), 'LOB column')} NOT NULL on the target, and full LOB mode writes NULL first",
            expected="LOB columns that take NULL until cut-over, or limited LOB mode",
            cure=statements(
                [
                    f"ALTER TABLE {quoted(*column.table_name)} ALTER COLUMN {quoted(column.name)} DROP NOT NULL"
                    for column in bad
                ]
            ),
        )


def _batches(load: Load, there: Sequence[TargetTable]) -> Iterator[Finding]:
    """Warn where a batch fails, so that changes are applied one by one; tables that DMS makes have the key alone."""
    if load.prepare == PREPARE[0]:
        return
    without = [str(table) for table in there if not (table.has_primary_key or table.unique_indexes)]
    both = [table for table in there if table.has_primary_key and table.unique_indexes]
    if without:
        yield warning(
            "batch_apply_without_key",
            named(without),
            found=f"BatchApplyEnabled, and {counted(len(without), 'table')} on the target without key or unique index",
            expected="a primary key",
            cure="add a primary key on the target, or put TargetMetadata.BatchApplyEnabled false",
        )
    if both:
        yield warning(
            "batch_apply_key_and_unique",
            named(_with(both, "unique_indexes")),
            found=f"BatchApplyEnabled, and {counted(len(both), 'table')} on the target with a primary key and unique"
            " indexes: every batch fails, and changes are applied one by one",
            expected="a primary key alone",
            cure="drop the unique indexes until cut-over, or put TargetMetadata.BatchApplyEnabled false",
        )


def _with(tables: Sequence[TargetTable], what: str) -> list[str]:
    def objects(table: TargetTable) -> Any:
        return getattr(table, what)

    return [f"{table} ({named(objects(table))})" for table in tables]
