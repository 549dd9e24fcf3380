"""Preflight of keys and replica identities: whose UPDATE and DELETE would be lost without a word. Pure.

Source: https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Source.PostgreSQL.html#CHAP_Source.PostgreSQL.Limitations
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from pg_cdc.config import Migration, MigrationType, Plugin
from pg_cdc.decisions.dms.table_mappings import SelectionRule, selector
from pg_cdc.decisions.output_plugins import LIBRARIES, may_decode_with
from pg_cdc.decisions.preflight.findings import counted, named, warning
from pg_cdc.decisions.preflight.table_facts import Shapes, TableName
from pg_cdc.decisions.sql_text import quoted, statements
from pg_cdc.decisions.world import Finding, Server, Table

FULL, NOTHING, BY_INDEX = "f", "n", "i"
"""pg_class.relreplident; ``d`` is the primary key."""


def planned_plugin(migration: Migration, server: Server) -> Plugin:
    """Return the plugin that the task will use once the plan is carried out."""
    if migration.replication.plugin is not Plugin.AUTO:
        return migration.replication.plugin
    has = "pglogical" in server.available_extensions and may_decode_with(LIBRARIES[Plugin.PGLOGICAL], server.settings)
    return Plugin.PGLOGICAL if has else Plugin.TEST_DECODING


def key_findings(
    migration: Migration, plugin: Plugin, chosen: Sequence[Table], shapes: Shapes, rules: Sequence[SelectionRule]
) -> Iterator[Finding]:
    """Yield the findings on the keys of the ``chosen`` tables."""
    if migration.replication.migration_type is not MigrationType.FULL_LOAD:
        yield from _without_key(plugin, chosen, shapes)
        yield from _identity(plugin, chosen)
        yield from _filters(plugin, chosen, shapes.keys, rules)
    yield from _validation(migration, chosen)


def has_filters(rules: Sequence[SelectionRule]) -> bool:
    """Tell whether any rule has a filter, so that the key columns matter."""
    return any(rule.raw.get("filters") for rule in rules)


def _keyless(tables: Iterable[Table]) -> list[Table]:
    return [table for table in tables if table.kind == "r" and not table.has_primary_key]


def _names(tables: Iterable[Table]) -> list[str]:
    return [f"{table.schema}.{table.name}" for table in tables]


def _without_key(plugin: Plugin, chosen: Sequence[Table], shapes: Shapes) -> Iterator[Finding]:
    """Warn of tables whose UPDATE and DELETE DMS drops without a word."""
    helped = plugin is Plugin.TEST_DECODING
    if lost := [table for table in _keyless(chosen) if not (helped and table.identity == FULL)]:
        useless = "" if helped else " (under pglogical REPLICA IDENTITY FULL does not help)"
        yield warning(
            "table_without_key",
            named(_names(lost)),
            found=f"{counted(len(lost), 'table')} without a primary key: UPDATE and DELETE would be lost{useless}",
            expected="a primary key, or rows that are only ever inserted",
            cure=_key_cure(helped, lost, shapes),
        )


def _key_cure(helped: bool, lost: Sequence[Table], shapes: Shapes) -> str:
    unique = {trait.table_name: trait.objects[0] for trait in shapes.traits if trait.kind == "unique_key"}
    ready = [
        f"ALTER TABLE {quoted(*name)} ADD PRIMARY KEY USING INDEX {quoted(unique[name])}"
        for table in lost
        if (name := (table.schema, table.name)) in unique
    ]
    full = statements([f"ALTER TABLE {quoted(table.schema, table.name)} REPLICA IDENTITY FULL" for table in lost])
    key = f"{statements(ready)} where a unique index is there; else add" if ready else "add"
    return f"{key} a primary key, or {'' if helped else 'put replication.plugin test_decoding, and '}{full}"


def _identity(plugin: Plugin, chosen: Sequence[Table]) -> Iterator[Finding]:
    """Warn of tables that have a key and do not log it."""
    keyed = [table for table in chosen if table.kind == "r" and table.has_primary_key]
    wrong = [t for t in keyed if t.identity in (NOTHING, BY_INDEX)]
    if wrong:
        yield warning(
            "identity_not_the_key",
            named(_names(wrong)),
            found=f"{counted(len(wrong), 'table')} with a primary key and REPLICA IDENTITY NOTHING or USING INDEX:"
            " the key is not logged with UPDATE and DELETE",
            expected="REPLICA IDENTITY DEFAULT, which is the primary key",
            cure=statements([f"ALTER TABLE {quoted(t.schema, t.name)} REPLICA IDENTITY DEFAULT" for t in wrong]),
        )
    full = [table for table in keyed if table.identity == FULL]
    if full and plugin is Plugin.PGLOGICAL:
        yield warning(
            "identity_full_under_pglogical",
            named(_names(full)),
            found=f"{counted(len(full), 'table')} with REPLICA IDENTITY FULL, which pglogical does not support in DMS",
            expected="REPLICA IDENTITY DEFAULT, or the plugin test_decoding",
            cure=statements([f"ALTER TABLE {quoted(t.schema, t.name)} REPLICA IDENTITY DEFAULT" for t in full])
            + " or put replication.plugin test_decoding",
        )


def _filters(
    plugin: Plugin,
    chosen: Sequence[Table],
    keys: Mapping[TableName, tuple[str, ...]],
    rules: Sequence[SelectionRule],
) -> Iterator[Finding]:
    """Warn of filters on columns that a DELETE does not log: it is not captured then."""
    bad = []
    for rule in rules:
        columns = [str(one.get("column-name")) for one in _filters_of(rule.raw)]
        if not columns:
            continue
        selects = selector([rule])
        for table in filter(selects, chosen):
            logged = plugin is Plugin.TEST_DECODING and table.identity == FULL
            outside = [column for column in columns if column not in keys.get((table.schema, table.name), ())]
            if outside and not logged:
                bad.append(f"{table.schema}.{table.name} ({', '.join(outside)})")
    if bad:
        yield warning(
            "filter_without_key_column",
            named(bad),
            found=f"{counted(len(bad), 'table')} filtered by a column outside the primary key: DELETE is not captured",
            expected="filters on key columns, or rows that are never deleted",
            cure="filter by key columns, or put replication.plugin test_decoding and REPLICA IDENTITY FULL on them",
        )


def _filters_of(raw: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    found = raw.get("filters")
    return found if isinstance(found, list) else ()


def _validation(migration: Migration, chosen: Sequence[Table]) -> Iterator[Finding]:
    settings = migration.replication.task_settings.get("ValidationSettings", {})
    keyless = _names(_keyless(chosen))
    if keyless and settings.get("EnableValidation") is True:
        yield warning(
            "validation_without_key",
            named(keyless),
            found=f"EnableValidation, and {counted(len(keyless), 'table')} without a primary key: not validated",
            expected="a primary key",
            cure="add a primary key, or compare these tables by other means",
        )
