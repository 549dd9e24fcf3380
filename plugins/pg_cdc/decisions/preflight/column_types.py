"""What becomes of a column's type in DMS. Pure.

Source: https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Source.PostgreSQL.html#CHAP_Source-PostgreSQL-DataTypes
"""

from __future__ import annotations

from enum import StrEnum

from pg_cdc.decisions.preflight.table_facts import Column

LOBS = frozenset(
    {"text", "citext", "bytea", "json", "jsonb", "xml", "hstore", "tsvector", "tsquery", "path", "polygon"}
)
"""Types that DMS moves as BLOB, CLOB or NCLOB, and with them every array and composite."""

BINARY = frozenset({"bytea"})
CHANGED = frozenset(
    {"cidr", "inet", "macaddr", "bit", "varbit", "money", "interval", "point", "line", "lseg", "box", "circle"}
) | {"path", "polygon", "tsvector", "tsquery"}
"""Built-in types that a table made by DMS has as characters or numbers, or that AWS lists as not migrated."""

CHANGED_KINDS = {"e": "enum", "c": "composite", "r": "range"}
GEOGRAPHIC = frozenset({"geometry", "geography", "raster", "box2d", "box3d", "topogeometry"})
LARGE_OBJECTS = frozenset({"oid", "lo"})
SAME = frozenset({"varchar", "bpchar", "numeric", "char"})
NUMERIC_DIGITS = 38
"""DMS's own numeric has so many; a column declared with more goes through text."""


class Fate(StrEnum):
    """What becomes of a value; one column can have several."""

    LOB = "lob"
    CHANGED = "changed"
    ROUNDED = "rounded"
    TOO_PRECISE = "too_precise"
    ZONE_LOST = "zone_lost"
    NO_LENGTH = "no_length"
    LARGE_OBJECT = "large_object"
    GEOGRAPHIC = "geographic"
    UNKNOWN = "unknown"


def is_lob(column: Column) -> bool:
    """Tell whether DMS moves the column as a LOB."""
    return column.kind in ("a", "c") or column.type in LOBS


def fates(column: Column) -> frozenset[Fate]:
    """Return all that becomes of the column; empty: it arrives as it is."""
    found = {Fate.LOB} if is_lob(column) else set()
    if column.kind in CHANGED_KINDS or column.type in CHANGED:
        found.add(Fate.CHANGED)
    elif special := _special(column):
        found.add(special)
    elif not found and column.type not in SAME:
        found.add(Fate.UNKNOWN)
    return frozenset(found)


def _special(column: Column) -> Fate | None:
    if column.type == "numeric":
        return Fate.ROUNDED if column.size is None else Fate.TOO_PRECISE if column.size > NUMERIC_DIGITS else None
    if column.type == "varchar":
        return Fate.NO_LENGTH if column.size is None else None
    if column.type in GEOGRAPHIC:
        return Fate.GEOGRAPHIC
    return {"timetz": Fate.ZONE_LOST, **dict.fromkeys(LARGE_OBJECTS, Fate.LARGE_OBJECT)}.get(column.type)
