"""Which tables a task takes: DMS's selection rules and their wildcards."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping, Sequence
from typing import Any

OWN = "awsdms_"


@functools.lru_cache(maxsize=4096)
def pattern(text: str) -> re.Pattern[str]:
    """Return the regular expression of a DMS pattern: ``%`` any, ``_`` one, ``[...]`` one of, case-sensitive."""
    out = ""
    for piece in re.findall(r"\[[^\]]+\]|.", text, re.DOTALL):
        if len(piece) > 1:
            out += "[" + re.sub(r"([\\^])", r"\\\1", piece[1:-1]) + "]"
        else:
            out += {"%": ".*", "_": "."}.get(piece, re.escape(piece))
    return re.compile(out, re.DOTALL)


def is_exact(text: str) -> bool:
    """Tell whether a pattern can name one thing only."""
    return not re.search(r"[%_]", re.sub(r"\[[^\]]\]", "", text))


class Selection:
    """The selection rules of one task."""

    def __init__(self, rules: Sequence[Mapping[str, Any]]) -> None:
        self._rules = [rule for rule in rules if rule["rule-type"] == "selection"]

    def takes(self, schema: str, table: str, *, partitioned: bool = False) -> bool:
        """Tell whether the rules select a table.

        ``partitioned``: a parent, whose rows belong to its leaves; only an exact name selects one.
        """
        if table.startswith(OWN):
            return False
        hits = [rule for rule in self._rules if _matches(rule, schema, table)]
        if any(rule["rule-action"] == "exclude" for rule in hits):
            return False
        if partitioned:
            hits = [rule for rule in hits if is_exact(rule["object-locator"]["table-name"])]
        return bool(hits)

    def order(self, schema: str, table: str) -> int:
        """Return the load order the rules give a table; higher goes first."""
        return max((int(rule.get("load-order", 0)) for rule in self._rules if _matches(rule, schema, table)), default=0)


def _matches(rule: Mapping[str, Any], schema: str, table: str) -> bool:
    place = rule["object-locator"]
    if rule["rule-action"] == "explicit":
        return bool((place["schema-name"], place["table-name"]) == (schema, table))
    return bool(pattern(place["schema-name"]).fullmatch(schema) and pattern(place["table-name"]).fullmatch(table))
