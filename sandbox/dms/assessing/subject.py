"""What an individual assessment looks at, and what it says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import psycopg

from sandbox.dms.engine.source import SourceTable

LOBS = (
    "text", "citext", "bytea", "json", "jsonb", "xml", "hstore", "tsvector", "tsquery", "path", "polygon",
)  # fmt: skip

TABLES = """
    select c.oid::regclass::text from pg_catalog.pg_class c
    where c.oid = any (select pg_catalog.to_regclass(one) from unnest(%(names)s::text[]) as one) and (<condition>)
    order by 1
"""
COLUMNS = """
    select c.oid::regclass::text || '.' || a.attname from pg_catalog.pg_class c
    join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    join pg_catalog.pg_type t on t.oid = a.atttypid
    where c.oid = any (select pg_catalog.to_regclass(one) from unnest(%(names)s::text[]) as one) and (<condition>)
    order by 1
"""


class Verdict(NamedTuple):
    """The outcome of one assessment. ``objects``: the tables or columns that it is about."""

    status: str
    found: str
    objects: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True)
class Subject:
    """A task with connections to both of its ends. ``tables``: those of the source that the task selects."""

    source: psycopg.Connection[Any]
    target: psycopg.Connection[Any]
    tables: Sequence[SourceTable]
    task_settings: Mapping[str, Any]
    source_settings: Mapping[str, Any]
    target_settings: Mapping[str, Any]
    captures: bool

    @property
    def names(self) -> list[str]:
        """Return the selected tables, each quoted as regclass takes it."""
        return [table.identifier.as_string(self.source) for table in self.tables]

    @property
    def batches(self) -> bool:
        """Tell whether changes are applied in batches."""
        return bool(self.task_settings["TargetMetadata"].get("BatchApplyEnabled"))

    @property
    def full_lobs(self) -> bool:
        """Tell whether LOBs are moved whole."""
        return bool(self.task_settings["TargetMetadata"].get("FullLobMode"))

    def setting(self, name: str) -> str:
        """Return a setting of the source, in its base unit."""
        row = self.source.execute("select setting from pg_catalog.pg_settings where name = %s", (name,)).fetchone()
        return str(row[0]) if row else ""

    def listed(self, query: str, *, on_target: bool = False) -> list[str]:
        """Return the first column of a query. ``%(names)s`` in it are the selected tables, ``%(lobs)s`` LOB types."""
        conn = self.target if on_target else self.source
        return [str(row[0]) for row in conn.execute(query, {"names": self.names, "lobs": list(LOBS)})]

    def tables_where(self, condition: str, *, on_target: bool = False) -> list[str]:
        """Return the selected tables for which ``condition`` holds: of ``c``, their row of pg_class."""
        return self.listed(TABLES.replace("<condition>", condition), on_target=on_target)

    def columns_where(self, condition: str, *, on_target: bool = False) -> list[str]:
        """Return the columns for which ``condition`` holds: of ``c``, of ``a`` (pg_attribute) and ``t`` (pg_type)."""
        return self.listed(COLUMNS.replace("<condition>", condition), on_target=on_target)
