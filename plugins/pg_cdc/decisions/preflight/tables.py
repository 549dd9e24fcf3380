"""Preflight of the selected tables: what would not arrive, arrive twice, or arrive cut short.

Source: https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Source.PostgreSQL.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from pg_cdc.config import Migration, MigrationType
from pg_cdc.decisions.dms.table_mappings import SelectionRule, parse_rules, selected_tables, selector
from pg_cdc.decisions.dms.table_patterns import compiled, with_literal_underscores
from pg_cdc.decisions.preflight.columns import column_findings
from pg_cdc.decisions.preflight.findings import counted, error, named, warning
from pg_cdc.decisions.preflight.keys import key_findings, planned_plugin
from pg_cdc.decisions.preflight.lobs import lob_findings
from pg_cdc.decisions.preflight.masks import mask_findings
from pg_cdc.decisions.preflight.table_facts import Column, Shapes
from pg_cdc.decisions.preflight.traits import case_findings, trait_findings, view_findings
from pg_cdc.decisions.sql_text import quoted, statements
from pg_cdc.decisions.world import Finding, Server, Table


def table_findings(
    migration: Migration, server: Server, tables: Sequence[Table], shapes: Shapes, target: Server | None
) -> Iterator[Finding]:
    """Yield everything there is to say about the selection and the tables in it. ``target`` None: it is a bucket."""
    rules = parse_rules(migration.tables.rules)
    chosen = selected_tables(rules, tables)
    if not chosen:
        yield _nothing_selected(migration, tables)
        return
    columns = _of(chosen, shapes.columns)
    yield from _idle_rules(rules, tables)
    yield from _underscore_wildcards(rules, tables)
    yield from lob_findings(migration, chosen, columns, shapes.lob_bytes)
    yield from key_findings(migration, planned_plugin(migration, server), chosen, shapes, rules)
    if migration.replication.migration_type is not MigrationType.FULL_LOAD:
        yield from _unlogged(chosen)
    yield from _partitions(migration, chosen, tables)
    yield from view_findings(migration, chosen)
    yield from column_findings(migration, columns, target)
    yield from mask_findings(migration, chosen, columns, shapes.keys)
    yield from trait_findings(migration, chosen, shapes.traits, _selection(rules))
    yield from case_findings(tables, chosen, shapes.traits)


def columns_of(migration: Migration, tables: Sequence[Table], columns: Iterable[Column]) -> list[Column]:
    """Return the ``columns`` of the tables that the migration selects."""
    return _of(selected_tables(parse_rules(migration.tables.rules), tables), columns)


def _of(chosen: Iterable[Table], columns: Iterable[Column]) -> list[Column]:
    selected = {(table.schema, table.name) for table in chosen}
    return [column for column in columns if column.table_name in selected]


def _selection(rules: Sequence[SelectionRule]) -> Callable[[Table], bool]:
    """Return the test whether the rules mean a relation, taken as a table."""
    chosen = selector(rule for rule in rules if rule.action != "exclude")
    refused = selector(rule for rule in rules if rule.action == "exclude")
    return lambda table: chosen(table) and not refused(table)


def qualified(tables: Iterable[Table]) -> list[str]:
    """Return the names as a person writes them."""
    return [f"{table.schema}.{table.name}" for table in tables]


def _nothing_selected(migration: Migration, tables: Sequence[Table]) -> Finding:
    there = named(sorted({table.schema for table in tables})) or "none"
    return error(
        "no_table_matches",
        f"database {migration.source.database}",
        found=f"no table that tables.rules select, among {len(tables)} in the schemas {there}",
        expected="at least one table",
        cure="correct tables.rules: names are case-sensitive, and exclude beats include",
    )


def _idle_rules(rules: Sequence[SelectionRule], tables: Sequence[Table]) -> Iterator[Finding]:
    """Warn of rules that name nothing; exact ones are looked up, not searched."""
    names = {(table.schema, table.name) for table in tables}
    for rule in rules:
        idle = (rule.schema, rule.table) not in names if rule.exact else not any(map(selector([rule]), tables))
        if idle:
            yield warning(
                "rule_matches_nothing",
                rule.label(),
                found="no table that it matches",
                expected="at least one",
                cure="correct or remove the rule",
            )


def _underscore_wildcards(rules: Sequence[SelectionRule], tables: Sequence[Table]) -> Iterator[Finding]:
    for rule in rules:
        if rule.exact or "_" not in rule.schema + rule.table:
            continue
        if strangers := _caught_by_underscore(rule, tables):
            yield warning(
                "underscore_is_wildcard",
                rule.label(),
                found=f"_ stands for any character here, so the rule also means {named(strangers)}",
                expected="a rule that means what it says",
                cure="write [_] for an underscore, or use the action explicit",
            )


def _caught_by_underscore(rule: SelectionRule, tables: Sequence[Table]) -> list[str]:
    meant_schema = compiled(with_literal_underscores(rule.schema)).fullmatch
    meant_table = compiled(with_literal_underscores(rule.table)).fullmatch
    selects = selector([rule])
    return qualified(
        table for table in tables if selects(table) and not (meant_schema(table.schema) and meant_table(table.name))
    )


def _unlogged(chosen: Sequence[Table]) -> Iterator[Finding]:
    there = [table for table in chosen if table.persistence != "p"]
    if silent := qualified(there):
        cures = [f"ALTER TABLE {quoted(table.schema, table.name)} SET LOGGED" for table in there]
        yield warning(
            "unlogged_table",
            named(silent),
            found=f"{counted(len(silent), 'unlogged table')}: no change of them is in the WAL, so none is replicated",
            expected="logged tables",
            cure=f"{statements(cures)} or exclude them",
        )


def _partitions(migration: Migration, chosen: Sequence[Table], tables: Sequence[Table]) -> Iterator[Finding]:
    """Refuse a parent with its leaves (rows twice), and a parent whose changes come under its leaves' names."""
    leaves: dict[str, list[str]] = {}
    for table in tables:
        if table.partition_of:
            leaves.setdefault(_parent(table), []).append(f"{table.schema}.{table.name}")
    selected = set(qualified(chosen))
    for parent in (table for table in qualified(t for t in chosen if t.kind == "p") if table in leaves):
        if both := [leaf for leaf in leaves[parent] if leaf in selected]:
            yield error(
                "partitions_twice",
                parent,
                found=f"it and {counted(len(both), 'partition')} of it are selected: every row comes twice",
                expected="the partitions without their parent",
                cure=f"add a rule that excludes {parent}",
            )
        elif migration.replication.migration_type is not MigrationType.FULL_LOAD:
            yield error(
                "partitions_not_selected",
                parent,
                found=f"the partitioned table without its partitions ({named(leaves[parent])})",
                expected="the partitions: changes come under their names, so none would arrive",
                cure=f"include the partitions and exclude {parent}",
            )


def _parent(table: Table) -> str:
    """Return the parent's qualified name; one without a schema is in the table's own."""
    parent = table.partition_of or ""
    return parent if "." in parent else f"{table.schema}.{parent}"
