"""What the source's catalog says about the tables."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

from sandbox.dms.engine.progress import TableName
from sandbox.dms.engine.selection import Selection

TABLES = """
select n.nspname, c.relname, c.relkind::text, c.relreplident::text, c.relispartition
from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('r', 'p') and c.relpersistence = 'p'
  and n.nspname not in ('pg_catalog', 'information_schema', 'pglogical') and n.nspname not like 'pg\\_toast%%'
order by 1, 2
"""
COLUMNS = """
select a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod), a.attnotnull,
       pg_catalog.format_type(b.oid, case when t.typtype = 'd' then t.typtypmod else a.atttypmod end),
       coalesce(b.typtype, 'b')::text, b.typnamespace = 'pg_catalog'::regnamespace,
       coalesce(e.typtype, '')::text, coalesce(e.typnamespace = 'pg_catalog'::regnamespace, true),
       coalesce(array_position(i.indkey::int2[], a.attnum), -1)
from pg_catalog.pg_attribute a
join pg_catalog.pg_class c on c.oid = a.attrelid
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
join pg_catalog.pg_type t on t.oid = a.atttypid
join pg_catalog.pg_type b on b.oid = case when t.typtype = 'd' then t.typbasetype else t.oid end
left join pg_catalog.pg_type e on e.oid = b.typelem and b.typcategory = 'A'
left join pg_catalog.pg_index i on i.indrelid = c.oid and i.indisprimary
where n.nspname = %s and c.relname = %s and a.attnum > 0 and not a.attisdropped
order by a.attnum
"""


@dataclass(frozen=True, kw_only=True)
class Column:
    """A column of the source. ``type``: what DMS makes of its type on the target; ``key``: position in the key."""

    name: str
    type: str
    key: int | None


@dataclass(frozen=True, kw_only=True)
class SourceTable:
    """A table of the source. ``identity``: pg_class.relreplident."""

    schema: str
    name: str
    identity: str
    columns: tuple[Column, ...]

    @property
    def key(self) -> tuple[str, ...]:
        """Return the primary key's columns, in its order."""
        return tuple(c.name for c in sorted((c for c in self.columns if c.key is not None), key=lambda c: c.key or 0))

    @property
    def identifier(self) -> sql.Identifier:
        """Return the quoted, qualified name: the same on both sides."""
        return sql.Identifier(self.schema, self.name)


def read_selected(connection: psycopg.Connection[Any], selection: Selection) -> list[SourceTable]:
    """Return the tables the rules take, in load order."""
    rows = connection.execute(TABLES.replace("%%", "%")).fetchall()
    names = [
        (schema, name, identity)
        for schema, name, kind, identity, _ in rows
        if selection.takes(schema, name, partitioned=kind == "p")
    ]
    names.sort(key=lambda row: -selection.order(row[0], row[1]))
    return [read_table(connection, (schema, name), identity) for schema, name, identity in names]


def find_selected(connection: psycopg.Connection[Any], selection: Selection, key: TableName) -> SourceTable | None:
    """Return one table if it exists and the rules take it. A new partition is not captured by DMS."""
    for schema, name, kind, identity, partition in connection.execute(TABLES.replace("%%", "%")).fetchall():
        if (schema, name) == key and not partition and selection.takes(schema, name, partitioned=kind == "p"):
            return read_table(connection, key, identity)
    return None


def read_table(connection: psycopg.Connection[Any], key: TableName, identity: str = "d") -> SourceTable:
    """Return the columns of one table, as DMS would create them."""
    rows = connection.execute(COLUMNS, key).fetchall()
    return SourceTable(schema=key[0], name=key[1], identity=identity, columns=tuple(_columns(rows)))


def _columns(rows: Iterable[tuple[Any, ...]]) -> Iterable[Column]:
    for name, _, _, base, kind, builtin, element_kind, element_builtin, key in rows:
        type_ = target_type(base, builtin=builtin and element_builtin and kind == "b" and element_kind in ("", "b"))
        yield Column(name=name, type=type_, key=key if key >= 0 else None)


def target_type(base: str, *, builtin: bool) -> str:
    """Return the type DMS gives a column on a PostgreSQL target.

    ``base``: the source's type with domains looked through. Types of users become ``character varying``,
    and ``numeric`` without precision becomes ``numeric(28,6)``: values beyond that are rounded, as by DMS.
    """
    if base == "numeric":
        return "numeric(28,6)"
    return base if builtin else "character varying"
