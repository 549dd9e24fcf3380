"""Data points: one a minute, taken when somebody asks, and put together by period and statistic."""

from __future__ import annotations

import math
import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence

from sandbox.api.errors import AwsError

MINUTE = 60
KEPT = 1440
"""Minutes that are remembered of each series."""

STATISTICS: Mapping[str, Callable[[Sequence[float]], float]] = {
    "Average": lambda values: sum(values) / len(values),
    "Minimum": min,
    "Maximum": max,
    "Sum": sum,
    "SampleCount": len,
}


class Samples:
    """Minutes by series; a series is (metric, instance)."""

    def __init__(self) -> None:
        self._minutes: dict[tuple[str, str], dict[int, float]] = defaultdict(dict)
        self._lock = threading.Lock()

    def put(self, series: tuple[str, str], at: float, value: float) -> None:
        """Keep a value; the last one of a minute stands for it."""
        with self._lock:
            minutes = self._minutes[series]
            minutes[_floor(at, MINUTE)] = value
            while len(minutes) > KEPT:
                del minutes[min(minutes)]

    def between(self, series: Iterable[tuple[str, str]], start: float, end: float) -> dict[int, list[float]]:
        """Return the values of all these series by minute; ``start`` is rounded down to its minute."""
        found: dict[int, list[float]] = defaultdict(list)
        with self._lock:
            for one in series:
                for minute, value in self._minutes.get(one, {}).items():
                    if _floor(start, MINUTE) <= minute < end:
                        found[minute].append(value)
        return found


def by_period(minutes: Mapping[int, list[float]], period: int) -> dict[int, list[float]]:
    """Return the values by the beginning of their period, the oldest first."""
    found: dict[int, list[float]] = defaultdict(list)
    for minute in sorted(minutes):
        found[_floor(minute, period)] += minutes[minute]
    return found


def statistic(name: str, values: Sequence[float]) -> float:
    """Return one statistic. :raises AwsError: there is no such one."""
    if name in STATISTICS:
        return float(STATISTICS[name](values))
    if name.startswith("p") and name[1:].replace(".", "", 1).isdigit() and float(name[1:]) <= 100:
        ordered = sorted(values)
        return ordered[max(math.ceil(float(name[1:]) / 100 * len(ordered)) - 1, 0)]
    raise AwsError(
        "ValidationError", f"The sandbox has no statistic {name!r}; it has {', '.join(STATISTICS)} and p0-p100"
    )


def _floor(at: float, unit: int) -> int:
    return int(at) // unit * unit
