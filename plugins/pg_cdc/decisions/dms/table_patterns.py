"""Match names as the DMS selection rules do: ``%``, ``_``, ``[ab]``, ``[a-d]``, ``[_]``; case counts.

Source: https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Tasks.CustomizingTasks.TableMapping.SelectionTransformation.Wildcards.html
"""

from __future__ import annotations

import re
from functools import lru_cache

WILDCARD = re.compile(r"[%_\[]")
TOKEN = re.compile(r"%|_|\[[^\]]+\]|[^%_\[]+")


def has_wildcard(pattern: str) -> bool:
    """Tell whether ``pattern`` can match more than itself."""
    return WILDCARD.search(pattern) is not None


def is_well_formed(pattern: str) -> bool:
    """Tell whether every ``[`` is closed and holds something."""
    return "[" not in pattern or (bool(pattern) and sum(len(part) for part in TOKEN.findall(pattern)) == len(pattern))


@lru_cache(maxsize=4096)
def compiled(pattern: str) -> re.Pattern[str]:
    """Return the regular expression that ``fullmatch``es what ``pattern`` matches."""
    return re.compile("".join(_expression(part) for part in TOKEN.findall(pattern)), re.DOTALL)


def matches(pattern: str, name: str) -> bool:
    """Tell whether ``pattern`` selects ``name``."""
    return compiled(pattern).fullmatch(name) is not None


def literal(name: str) -> str:
    """Return the pattern that matches ``name`` and nothing else."""
    return WILDCARD.sub(lambda found: f"[{found.group()}]", name)


def with_literal_underscores(pattern: str) -> str:
    """Return ``pattern`` with each ``_`` outside brackets as ``[_]``."""
    return "".join("[_]" if part == "_" else part for part in TOKEN.findall(pattern))


def _expression(part: str) -> str:
    if part == "%":
        return ".*"
    if part == "_":
        return "."
    if part.startswith("["):
        return _character_class(part[1:-1])
    return re.escape(part)


def _character_class(inside: str) -> str:
    """Return a class in which only a dash between two characters means a range."""
    parts = []
    rest = inside
    while rest:
        if len(rest) > 2 and rest[1] == "-":
            low, high = sorted((rest[0], rest[2]))
            parts.append(f"{re.escape(low)}-{re.escape(high)}")
            rest = rest[3:]
        else:
            parts.append(re.escape(rest[0]))
            rest = rest[1:]
    return f"[{''.join(parts)}]"
