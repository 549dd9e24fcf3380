"""What a database says about the columns and the surroundings of its tables. Data only.

Named tuples rather than dataclasses: ten thousand tables give tens of thousands of these, and a tuple is made in a
tenth of the time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

TableName = tuple[str, str]
"""Schema and table."""


class Column(NamedTuple):
    """A column whose type DMS does not take over as it is.

    ``type``: pg_type.typname, of a domain the one beneath; ``kind``: pg_type.typtype, ``a`` for an array. ``size``:
    length or precision, None where there is none.
    """

    schema: str
    table: str
    name: str
    type: str
    kind: str = "b"
    size: int | None = None
    not_null: bool = False
    in_key: bool = False

    @property
    def table_name(self) -> TableName:
        """Return where it is."""
        return self.schema, self.table

    def __str__(self) -> str:
        return f"{self.schema}.{self.table}.{self.name}"


class Trait(NamedTuple):
    """Something that a table has beside columns. ``kind``: see ``list_table_traits.sql``; ``objects``: names."""

    kind: str
    schema: str
    table: str
    objects: tuple[str, ...] = ()

    @property
    def table_name(self) -> TableName:
        """Return where it is."""
        return self.schema, self.table


@dataclass(frozen=True, kw_only=True)
class Shapes:
    """All of one database. ``keys``: key columns, read only if a rule has a filter or masks data.

    ``lob_bytes``: the largest value of each LOB column, in what DMS counts; None: it was not measured.
    ``infinite_dates``: how many each date or timestamp column has; None: they were not counted.
    """

    columns: tuple[Column, ...] = ()
    traits: tuple[Trait, ...] = ()
    keys: Mapping[TableName, tuple[str, ...]] = field(default_factory=dict)
    lob_bytes: Mapping[tuple[str, str, str], int] | None = None
    infinite_dates: Mapping[tuple[str, str, str], int | None] | None = None
    subscriptions: int = 0
    audit_trigger_mode: str = ""


class TargetTable(NamedTuple):
    """A table that is on the target already. ``not_null``: its columns that refuse NULL, plain types aside.

    ``foreign_keys``: from it and to it. ``owned``, ``writable``: by the login that DMS has there.
    """

    schema: str
    name: str
    has_primary_key: bool = True
    unique_indexes: tuple[str, ...] | list[str] = ()
    other_indexes: tuple[str, ...] | list[str] = ()
    foreign_keys: tuple[str, ...] | list[str] = ()
    triggers: tuple[str, ...] | list[str] = ()
    not_null: tuple[str, ...] | list[str] = ()
    owned: bool = True
    writable: bool = True

    def __str__(self) -> str:
        return f"{self.schema}.{self.name}"


@dataclass(frozen=True, kw_only=True)
class TargetShapes:
    """What is on the target. ``schemas``: whether the login may make tables in each; ``may_create``: new schemas.

    ``public`` is where DMS keeps its own tables, unless ``ControlSchema`` names another.
    """

    may_create: bool = True
    schemas: Mapping[str, bool] = field(default_factory=dict)
    tables: tuple[TargetTable, ...] = ()
