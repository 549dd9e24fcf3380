"""Write SQL for people to run: names quoted, and never more statements than a person reads. Pure."""

from __future__ import annotations

from collections.abc import Sequence

SHOWN = 3
"""Statements written out; the rest differ by the name alone."""


def quoted(*names: str) -> str:
    """Return an identifier as PostgreSQL takes it, such as ``"shop"."Orders"``."""
    return ".".join('"' + name.replace('"', '""') + '"' for name in names)


def statements(listed: Sequence[str]) -> str:
    """Return the first of ``listed``, and how many more there are of the kind."""
    rest = len(listed) - SHOWN
    return " ".join(f"{one};" for one in listed[:SHOWN]) + (f" … and {rest} more of the kind" if rest > 0 else "")
