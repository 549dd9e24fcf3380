"""Decide what is published: the selected tables, each once, with the marker; and refuse what is not ours. Pure.

Source: https://www.postgresql.org/docs/current/logical-replication-publication.html
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from pg_cdc.config import Migration
from pg_cdc.decisions import names
from pg_cdc.decisions.dms.table_mappings import parse_rules, selected_tables
from pg_cdc.decisions.native import names as native_names
from pg_cdc.decisions.native.world import Name, Publication, written
from pg_cdc.decisions.world import Table
from pg_cdc.failures import Differs, NotOurs

MARKER: Name = (names.CONTROL_SCHEMA, names.MARKER_TABLE)


@dataclass(frozen=True, kw_only=True)
class Scope:
    """``published``: as the publication names them. ``made``: what the target needs, parents of partitions too.

    ``schemas``: of all these. ``left_out``: the other tables of these schemas.
    """

    published: frozenset[Name]
    made: frozenset[Name]
    left_out: frozenset[Name]

    @property
    def schemas(self) -> tuple[str, ...]:
        """Return the schemas that are copied."""
        return tuple(sorted({schema for schema, _ in self.made}))


def native_scope(migration: Migration, tables: Iterable[Table]) -> Scope:
    """Return what the rules select. A partition goes with its parent, when that is selected."""
    own = {names.CONTROL_SCHEMA, native_names.SCHEMA, migration.dms_role.artifacts_schema}
    there = {(table.schema, table.name): table for table in tables if table.kind in "rp" and table.schema not in own}
    chosen = {
        (table.schema, table.name) for table in selected_tables(parse_rules(migration.tables.rules), there.values())
    }
    above = {name: tuple(_ancestors(name, there)) for name in there}
    made = chosen | {parent for name in chosen for parent in above[name]}
    below = {name for name in there if chosen & set(above[name])}
    published = {name for name in chosen if not chosen & set(above[name])}
    schemas = {schema for schema, _ in made}
    left_out = {name for name in there if name[0] in schemas} - made - below
    return Scope(published=frozenset(published | {MARKER}), made=frozenset(made | below), left_out=frozenset(left_out))


def _ancestors(name: Name, tables: Mapping[Name, Table]) -> Iterable[Name]:
    by_text = {written(one): one for one in tables}
    parent = tables[name].partition_of
    while parent and parent in by_text:
        yield by_text[parent]
        parent = tables[by_text[parent]].partition_of


def keyless(scope: Scope, tables: Sequence[Table]) -> tuple[Table, ...]:
    """Return the tables whose updates and deletes PostgreSQL would refuse once they are published."""
    return tuple(
        table
        for table in tables
        if (table.schema, table.name) in scope.made
        and table.kind == "r"
        and (table.identity == "n" or (table.identity == "d" and not table.has_primary_key))
    )


def publication_is_right(found: Publication | None, scope: Scope, migration: Migration, *, slot_exists: bool) -> bool:
    """Tell whether the publication is as wanted; False: it is to be made, or given these tables.

    :raises NotOurs: one of that name does not carry our comment.
    :raises Differs: it has other tables, and a slot reads it: what was written before a table joined is not in it.
    """
    name = native_names.publication(migration)
    if found is None:
        return False
    if found.comment != native_names.comment(migration):
        raise NotOurs(
            found=f"publication {name} with the comment {found.comment!r}",
            expected=f"none, or one with the comment {native_names.comment(migration)!r}",
            next="drop it, or give the migration another name",
        )
    if found.tables == scope.published:
        return True
    if slot_exists:
        changed = sorted(map(written, found.tables ^ scope.published))
        raise Differs(
            found=f"publication {name} does not have the selected tables; they differ in {', '.join(changed)}",
            expected="the tables that were selected when the load began",
            next="put tables.rules back, or tear the migration down and run it again",
        )
    return False
