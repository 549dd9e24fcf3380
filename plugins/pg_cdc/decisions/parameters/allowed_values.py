"""What a parameter group takes as a value, by the AllowedValues that AWS gives with each parameter. Pure.

Source: https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_Parameter.html
"""

from __future__ import annotations

import math
import re

from pg_cdc.decisions.parameters.rules import listed
from pg_cdc.decisions.world import Parameter

NUMBER = r"-?\d+(?:\.\d+)?"
RANGE = re.compile(rf"({NUMBER})-({NUMBER})")
SWITCH = {"on": "1", "true": "1", "yes": "1", "off": "0", "false": "0", "no": "0"}
NUMERIC = ("integer", "float")


def as_group_value(parameter: Parameter, value: str) -> str:
    """Return ``value`` as a group holds it: a switch is 1 or 0 there, and a list has no blanks."""
    if parameter.data_type == "boolean":
        return SWITCH.get(value.lower(), value)
    return ",".join(listed(value)) if parameter.data_type == "list" else value


def allows(parameter: Parameter, value: str) -> bool:
    """Tell whether the group takes ``value``: a range, words, or both; without AllowedValues, anything of its type."""
    allowed = listed(parameter.allowed_values)
    if parameter.data_type == "list":
        return not allowed or set(listed(value)) <= set(allowed)
    if parameter.data_type in NUMERIC and not _is_number(value, whole=parameter.data_type == "integer"):
        return value in allowed
    return not allowed or any(_covers(one, value) for one in allowed)


def same_value(found: str, wanted: str) -> bool:
    """Tell whether two texts are one value: ``on`` and ``1``, ``0.90`` and ``0.9``, a list with blanks or without."""
    return found == wanted or _plain(found) == _plain(wanted)


def _plain(text: str) -> object:
    word = SWITCH.get(text.lower(), text)
    return float(word) if _is_number(word, whole=False) else listed(word)


def _covers(allowed: str, value: str) -> bool:
    limits = RANGE.fullmatch(allowed)
    if limits is None or not _is_number(value, whole=False):
        return allowed == value
    return float(limits[1]) <= float(value) <= float(limits[2])


def _is_number(text: str, *, whole: bool) -> bool:
    try:
        return math.isfinite(int(text) if whole else float(text))
    except ValueError:
        return False
