"""Time as AWS stamps it."""

from __future__ import annotations

import datetime as dt


def now() -> dt.datetime:
    """Return the time."""
    return dt.datetime.now(dt.UTC)
