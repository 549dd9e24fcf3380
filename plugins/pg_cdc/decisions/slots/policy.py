"""What slot hygiene may do, and from when it speaks up. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase

GIB = 1024**3


@dataclass(frozen=True, kw_only=True)
class Policy:
    """The rules a person sets.

    ``grace_seconds``: how long a slot's owner must have been seen gone. ``max_drops``, ``max_drop_bytes``: what one run
    may drop, over all servers, without asking. ``protect``: patterns of slot names, or of ``identifier/slot``, that are
    never dropped. ``terminate``: ``identifier/slot``, each written out, whose reader may be ended.
    """

    grace_seconds: float = 86400
    alarm_hours: float = 12.0
    watch_hours: float = 72.0
    max_drops: int = 5
    max_drop_bytes: int = 10 * GIB
    protect: tuple[str, ...] = ()
    terminate: tuple[str, ...] = ()
    dry_run: bool = True
    cache_hit_percent: float = 90.0


def qualified(identifier: str, slot: str) -> str:
    """Return how a slot is named among many servers."""
    return f"{identifier}/{slot}"


def protecting_pattern(identifier: str, slot: str, patterns: Iterable[str]) -> str | None:
    """Return the first of ``patterns`` that covers the slot; case counts, as it does in PostgreSQL."""
    names = (slot, qualified(identifier, slot))
    return next((pattern for pattern in patterns if any(fnmatchcase(name, pattern) for name in names)), None)
