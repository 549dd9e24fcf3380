"""Filters and paging of the describe actions, and the refusals of both."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from sandbox.api.errors import AwsError
from sandbox.dms.world import Resource

IDENTIFIER = re.compile(r"^[A-Za-z](-?[A-Za-z0-9])*$")
Getter = Callable[[Resource], Any]


def chosen(
    found: Iterable[Resource], parameters: Mapping[str, Any], known: Mapping[str, Getter], noun: str
) -> list[Resource]:
    """Return the resources every filter lets through; a filtered describe that finds nothing is refused."""
    filters = parameters.get("Filters") or []
    check_names(filters, known)
    kept = [resource for resource in found if all(_matches(resource, f, known) for f in filters)]
    if filters and not kept:
        raise AwsError("ResourceNotFoundFault", f"No {noun} found matching provided filters")
    return kept


def check_names(filters: Iterable[Mapping[str, Any]], known: Iterable[str]) -> None:
    """Refuse a filter name that the action does not know, and a filter without values."""
    for wanted in filters:
        if wanted["Name"] not in known:
            raise AwsError("InvalidParameterValueException", f"Invalid filter name: {wanted['Name']}")
        if not wanted.get("Values"):
            raise AwsError("InvalidParameterValueException", f"Filter {wanted['Name']} has no values")


def paged(
    rows: list[Any], parameters: Mapping[str, Any], answer: str, *, most: int = 100, least: int = 20
) -> dict[str, Any]:
    """Return one page of ``rows`` under the key ``answer``, with a Marker when there are more."""
    size = parameters.get("MaxRecords") or 100
    if not least <= size <= most:
        raise AwsError("InvalidParameterValueException", f"MaxRecords must be between {least} and {most}, was {size}")
    start = _offset(parameters.get("Marker"))
    page: dict[str, Any] = {answer: rows[start : start + size]}
    if start + size < len(rows):
        page["Marker"] = base64.urlsafe_b64encode(str(start + size).encode()).decode()
    return page


def identifier(text: str, what: str, *, longest: int = 255) -> str:
    """Return ``text`` as AWS stores it, lower case, or refuse it."""
    if len(text) > longest or not IDENTIFIER.match(text):
        raise AwsError(
            "InvalidParameterValueException",
            f"The parameter {what} must be provided and must not be blank. It must begin with a letter, contain only "
            f"ASCII letters, digits and hyphens, not end with a hyphen or contain two consecutive hyphens: {text!r}",
        )
    return text.lower()


def _matches(resource: Resource, wanted: Mapping[str, Any], known: Mapping[str, Getter]) -> bool:
    found = known[wanted["Name"]](resource)
    values = [str(value).lower() for value in wanted["Values"]]
    return any(str(item).lower() in values for item in (found if isinstance(found, (list, tuple)) else [found]))


def _offset(marker: str | None) -> int:
    if not marker:
        return 0
    try:
        return int(base64.urlsafe_b64decode(marker.encode()))
    except ValueError:
        raise AwsError("InvalidParameterValueException", "Invalid Marker") from None
