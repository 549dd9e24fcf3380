"""Filters and pages, as every Describe action of RDS has them."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from sandbox.api.errors import AwsError

LEAST, MOST = 20, 100

T = TypeVar("T")


def keep(
    items: Iterable[T], parameters: Mapping[str, Any], filters: Mapping[str, Callable[[T], tuple[Any, ...]]]
) -> list[T]:
    """Return the items that pass every filter of the call. :raises AwsError: a filter has an unknown name."""
    found = list(items)
    for one in parameters.get("Filters") or ():
        name, values = one["Name"], set(one.get("Values") or ())
        if name not in filters:
            raise AwsError("InvalidParameterValue", f"Unrecognized filter name: {name}")
        found = [item for item in found if values & {value for value in filters[name](item) if value}]
    return found


def page(key: str, items: Sequence[Any], parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return one page of ``items`` and the marker of the next."""
    size = int(parameters.get("MaxRecords") or MOST)
    if not LEAST <= size <= MOST:
        text = f"Invalid value {size} for MaxRecords. Must be between {LEAST} and {MOST}"
        raise AwsError("InvalidParameterValue", text)
    start = _position(parameters.get("Marker") or "")
    answer: dict[str, Any] = {key: list(items[start : start + size])}
    if start + size < len(items):
        answer["Marker"] = base64.urlsafe_b64encode(f"at:{start + size}".encode()).decode()
    return answer


def _position(marker: str) -> int:
    if not marker:
        return 0
    try:
        return int(base64.urlsafe_b64decode(marker.encode()).decode().removeprefix("at:"))
    except ValueError:
        raise AwsError("InvalidParameterValue", f"Invalid marker: {marker}") from None
