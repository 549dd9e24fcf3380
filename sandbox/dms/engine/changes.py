"""What the decoders hand on."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from enum import Enum

from sandbox.dms.engine.progress import TableName

# Identity matters: a row may hold these very words as a value.
UNCHANGED = "".join(["unchanged", "-toast-datum"])
Row = dict[str, str | None]


class Kind(Enum):
    """What happened to a row."""

    INSERT = "insert"
    UPDATE = "update"
    DELETE = "delete"


@dataclass(frozen=True)
class Begin:
    """A transaction begins."""


@dataclass(frozen=True)
class Commit:
    """A transaction ends at ``position``, the LSN just after it, and was committed ``at`` that time."""

    position: int
    at: dt.datetime | None = None


@dataclass(frozen=True)
class Change:
    """One row changed. ``old``: the replica identity before, where the plugin gives it."""

    kind: Kind
    table: TableName
    old: Row | None
    new: Row | None


def lsn(text: str) -> int:
    """Return an LSN such as ``4AF/B00000D0`` as a number."""
    high, _, low = text.partition("/")
    return (int(high, 16) << 32) + int(low, 16)


def lsn_text(position: int) -> str:
    """Return an LSN as PostgreSQL prints it."""
    return f"{position >> 32:X}/{position & 0xFFFFFFFF:X}"
