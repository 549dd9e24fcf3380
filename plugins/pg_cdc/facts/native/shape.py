"""Read indexes, constraints and the like of tables, on either end. Changes nothing."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from pg_cdc.decisions.native.indexes import Index, LateConstraint, LateObject, Shape
from pg_cdc.decisions.native.world import Name, written
from pg_cdc.facts.postgres import read_rows

if TYPE_CHECKING:
    from psycopg import Connection


def read_shape(conn: Connection[Any], tables: Iterable[Name]) -> Shape:
    """Return everything of ``tables`` that comes after their rows."""
    parameters = {"tables": [written(name) for name in tables]}
    return Shape(
        indexes=tuple(_index(row) for row in read_rows(conn, "native/list_indexes.sql", parameters)),
        constraints=tuple(_constraint(row) for row in read_rows(conn, "native/list_late_constraints.sql", parameters)),
        objects=tuple(_object(row) for row in read_rows(conn, "native/list_late_objects.sql", parameters)),
    )


def _table(row: dict[str, Any]) -> Name:
    return (row.pop("schema"), row.pop("table"))


def _index(row: dict[str, Any]) -> Index:
    del row["pages"]
    parent = (row.pop("parent_schema"), row.pop("parent_name"))
    return Index(table=_table(row), parent=parent if parent[1] else None, **row)


def _constraint(row: dict[str, Any]) -> LateConstraint:
    other = (row.pop("other_schema"), row.pop("other_table"))
    return LateConstraint(table=_table(row), other=other if other[1] else None, **row)


def _object(row: dict[str, Any]) -> LateObject:
    return LateObject(table=_table(row), **row)
