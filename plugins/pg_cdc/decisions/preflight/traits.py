"""Preflight of what tables have beside columns: what a copy leaves behind, and what it stumbles over. Pure.

Source: https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Source.PostgreSQL.html#CHAP_Source.PostgreSQL.Limitations
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from pg_cdc.config import Migration, MigrationType
from pg_cdc.decisions.preflight.findings import counted, error, named, note, warning
from pg_cdc.decisions.preflight.table_facts import TableName, Trait
from pg_cdc.decisions.sql_text import quoted, statements
from pg_cdc.decisions.world import Finding, Table

SYNC_SEQUENCES = (
    "SELECT format('SELECT setval(%L, %s);', format('%I.%I', schemaname, sequencename), last_value)"
    " FROM pg_sequences WHERE last_value IS NOT NULL;"
)


class Saying(NamedTuple):
    """What is said of one kind of trait. ``sql``: statements for one of them, before ``cure``."""

    make: Callable[..., Finding]
    code: str
    found: str
    expected: str
    cure: str
    sql: Callable[[Trait, Migration], Sequence[str]] | None = None
    changes_only: bool = False
    load_only: bool = False


def trait_findings(
    migration: Migration, chosen: Sequence[Table], traits: Sequence[Trait], selects: Callable[[Table], bool]
) -> Iterator[Finding]:
    """Yield the findings on the traits of the ``chosen`` tables. ``selects``: the selection, for what is no table."""
    names = {(table.schema, table.name) for table in chosen}
    by_kind: dict[str, list[Trait]] = {}
    for trait in traits:
        if _concerns(trait, names, selects):
            by_kind.setdefault(trait.kind, []).append(trait)
    changes = migration.replication.migration_type is not MigrationType.FULL_LOAD
    loads = migration.replication.migration_type is not MigrationType.CDC
    for kind, saying in SAYINGS.items():
        there = by_kind.get(kind)
        if there and not (saying.changes_only and not changes) and not (saying.load_only and not loads):
            yield _say(saying, sorted(there), migration)
    yield from _sequences(by_kind)
    yield from _not_copied(by_kind)
    yield from _inherited(by_kind.get("inherited_by", []), names)


def case_findings(tables: Sequence[Table], chosen: Sequence[Table], traits: Sequence[Trait]) -> Iterator[Finding]:
    """Warn of names of tables or columns that differ by case alone. ``tables``: all, since one of a pair is enough."""
    names = {(table.schema, table.name) for table in chosen}
    by_folded: dict[TableName, list[TableName]] = {}
    for table in tables:
        name = (table.schema, table.name)
        by_folded.setdefault((table.schema.lower(), table.name.lower()), []).append(name)
    groups = [group for group in by_folded.values() if len(group) > 1 and names.intersection(group)]
    pairs = [" and ".join(f"{schema}.{table}" for schema, table in group) for group in groups]
    pairs += [
        f"{trait.schema}.{trait.table}: {' and '.join(trait.objects)}"
        for trait in sorted(trait for trait in traits if trait.kind == "column_case")
        if trait.table_name in names
    ]
    if pairs:
        yield warning(
            "names_differ_by_case",
            named(pairs),
            found=f"{counted(len(pairs), 'group')} of names that differ only by case: DMS may take one for the other",
            expected="names that differ by more than case",
            cure="rename one of each (ALTER TABLE … RENAME TO …), or exclude it",
        )


def view_findings(migration: Migration, chosen: Sequence[Table]) -> Iterator[Finding]:
    """Refuse views where changes are to be followed: DMS can only copy them."""
    views = [f"{table.schema}.{table.name}" for table in chosen if table.kind == "v"]
    if views and migration.replication.migration_type is not MigrationType.FULL_LOAD:
        yield error(
            "view_with_changes",
            named(views),
            found=f"{counted(len(views), 'view')} selected, and a view has no changes to follow",
            expected="tables only, unless the migration type is full-load",
            cure="exclude the views, or copy them by a migration of their own of type full-load",
        )


def _concerns(trait: Trait, names: set[TableName], selects: Callable[[Table], bool]) -> bool:
    if trait.kind in ("materialized_view", "foreign_table"):
        return selects(Table(schema=trait.schema, name=trait.table))
    if trait.kind == "lone_sequence":
        return any(schema == trait.schema for schema, _ in names)
    return trait.table_name in names


def _say(saying: Saying, traits: Sequence[Trait], migration: Migration) -> Finding:
    cure = saying.cure
    if saying.sql:
        cure = f"{statements([one for trait in traits for one in saying.sql(trait, migration)])} {saying.cure}"
    told = {"found": f"{counted(len(traits), 'table')} {saying.found}", "expected": saying.expected, "cure": cure}
    if saying.make is note:
        del told["expected"]
    return saying.make(saying.code, named([_label(trait) for trait in traits]), **told)


def _label(trait: Trait) -> str:
    objects = f" ({named(trait.objects)})" if trait.objects else ""
    return f"{trait.schema}.{trait.table}{objects}"


def _sequences(by_kind: Mapping[str, Sequence[Trait]]) -> Iterator[Finding]:
    listed = [one for kind in ("sequence", "lone_sequence") for trait in by_kind.get(kind, ()) for one in trait.objects]
    if sequences := sorted(set(listed)):
        yield warning(
            "sequence_to_sync",
            named(sequences),
            found=f"{counted(len(sequences), 'sequence')}: DMS moves neither sequences, defaults nor identity,"
            " so new rows on the target would clash",
            expected="the same sequences on the target, set further on than the source's, before it takes writes",
            cure=f"at cut-over, on the source: {SYNC_SEQUENCES} Then run what it prints on the target",
        )


def _not_copied(by_kind: Mapping[str, Sequence[Trait]]) -> Iterator[Finding]:
    there = [
        f"{kind.replace('_', ' ')} {_label(trait)}"
        for kind in ("materialized_view", "foreign_table")
        for trait in sorted(by_kind.get(kind, ()))
    ]
    if there:
        yield note(
            "relation_not_copied",
            named(there),
            found=f"{counted(len(there), 'relation')} that the rules match by name, and DMS does not move",
            cure="make them on the target by hand (pg_dump --schema-only --table=…)",
        )


def _inherited(traits: Sequence[Trait], names: set[TableName]) -> Iterator[Finding]:
    children = {f"{schema}.{table}" for schema, table in names}
    both = [trait for trait in sorted(traits) if children.intersection(trait.objects)]
    if both:
        yield error(
            "inheritance_twice",
            named([_label(trait) for trait in both]),
            found=f"{counted(len(both), 'table')} selected with tables that inherit from them: DMS reads a parent with"
            " the rows of its children, so those come twice",
            expected="the parent or its children",
            cure="exclude the parent where it has no rows of its own; else its children",
        )


def _policy(trait: Trait, migration: Migration) -> Sequence[str]:
    role = quoted(migration.dms_role.name)
    return [f"CREATE POLICY pg_cdc ON {quoted(*trait.table_name)} FOR SELECT TO {role} USING (true)"]


def _grant(trait: Trait, migration: Migration) -> Sequence[str]:
    return [f"GRANT SELECT ON {quoted(*trait.table_name)} TO {quoted(migration.dms_role.name)}"]


def _not_deferrable(trait: Trait, migration: Migration) -> Sequence[str]:
    return [
        f"ALTER TABLE {quoted(*trait.table_name)} ALTER CONSTRAINT {quoted(one)} NOT DEFERRABLE"
        for one in trait.objects
    ]


SAYINGS: Mapping[str, Saying] = {
    "row_security": Saying(
        error,
        "row_level_security",
        "with row-level security: DMS reads as its role, so rows that its policies hide would be missing",
        "a policy that lets the DMS role read every row, or BYPASSRLS",
        "(a restrictive policy cuts even then: drop it, or exempt the role)",
        _policy,
        load_only=True,
    ),
    "not_grantable": Saying(
        warning,
        "select_not_grantable",
        "that the DMS role may not read, and the admin may not let it: another role owns them",
        "an admin that is a member of the owner",
        "as the owner in brackets, or grant the owner to the admin",
        _grant,
    ),
    "deferrable_key": Saying(
        error,
        "deferrable_key",
        "with a deferrable primary key: PostgreSQL does not log it with changes, so UPDATE and DELETE would be lost",
        "a primary key that is checked at once",
        "drop the key and add it again without DEFERRABLE, in one transaction",
        changes_only=True,
    ),
    "deferrable_reference": Saying(
        warning,
        "deferrable_foreign_key",
        "with deferrable foreign keys, which DMS does not support: rows arrive in another order than they were checked",
        "foreign keys that are checked at once, or a target without them",
        "or leave them off the target until cut-over",
        _not_deferrable,
    ),
    "deferrable": Saying(
        warning,
        "deferrable_constraint",
        "with deferrable unique or exclusion constraints, which DMS does not support",
        "constraints that are checked at once, or a target without them",
        "drop them and add them again without DEFERRABLE, or leave them off the target until cut-over",
    ),
    "expression_unique": Saying(
        warning,
        "unique_expression_index",
        "with a unique index on an expression: DMS does not replicate tables with one on coalesce()",
        "unique indexes on columns alone",
        "make a generated column of the expression and the unique index on that, or exclude the tables",
    ),
    "trigger": Saying(
        note,
        "trigger_not_copied",
        "with triggers, which are not moved; their effects on other tables come as changes of those",
        "",
        "make them on the target at cut-over (pg_dump --section=post-data), not before: they would act twice",
    ),
    "generated": Saying(
        note,
        "generated_column",
        "with generated columns, which a table made by DMS has as plain ones: nothing computes them there",
        "",
        "at cut-over, on the target: drop the column, and add it again GENERATED ALWAYS AS (…) STORED",
    ),
}
