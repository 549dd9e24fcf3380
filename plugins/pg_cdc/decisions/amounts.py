"""Say amounts as people read them. Pure."""

from __future__ import annotations

UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")
MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0
LONG = 365 * DAY


def bytes_text(amount: float) -> str:
    """Return ``512 B``, ``1.5 GiB``."""
    size, unit = float(amount), 0
    while abs(size) >= 1024 and unit < len(UNITS) - 1:
        size, unit = size / 1024, unit + 1
    return f"{size:.0f} {UNITS[unit]}" if unit == 0 else f"{size:.1f} {UNITS[unit]}"


def time_text(seconds: float) -> str:
    """Return ``40 s``, ``3 min``, ``7.5 h``, ``3.2 days``, ``over a year``."""
    if seconds >= LONG:
        return "over a year"
    for unit, name in ((DAY, "days"), (HOUR, "h")):
        if seconds >= (2 * unit if unit is DAY else unit):
            return f"{seconds / unit:.1f} {name}"
    return f"{seconds / MINUTE:.0f} min" if seconds >= MINUTE else f"{seconds:.0f} s"
