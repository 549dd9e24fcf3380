"""Find everything that DMS would refuse, or silently misread, in a list of table mapping rules.

Source: https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Tasks.CustomizingTasks.TableMapping.html
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from pg_cdc.decisions import names
from pg_cdc.decisions.dms.table_patterns import is_well_formed, matches
from pg_cdc.decisions.problem import Problem

RawRule = Mapping[str, Any]

ACTIONS = ("include", "exclude", "explicit")
TABLE_TYPES = ("table", "view", "all")
RULE_TYPES = ("selection", "transformation", "table-settings", "validation", "object-mapping", "post-processing")
MASKS = ("data-masking-digits-mask", "data-masking-digits-randomize", "data-masking-hash-mask")
PLAIN_KEYS = frozenset({"schema", "table", "action"})
FRIENDLY_KEYS = ("schema", "table", "action", "type", "load_order", "filters")
FILTER_KEYS = ("column", "operator", "value", "start", "end")
ONE_VALUE = ("lte", "ste", "gte", "eq", "noteq")
TWO_VALUES = ("between", "notbetween")
NO_VALUE = ("null", "notnull")
OPERATORS = (*ONE_VALUE, *TWO_VALUES, *NO_VALUE)


def rule_problems(rules: Sequence[Any]) -> tuple[Problem, ...]:
    """Return all problems, each with ``[index]`` as its place; empty: DMS takes these rules."""
    if not rules:
        return (Problem(where="", found="no rule", expected="at least one selection rule that includes tables"),)
    found = [problem for index, rule in enumerate(rules) for problem in _problems_of(index, rule)]
    return tuple(found) or tuple(_problems_together(rules))


def _problems_of(index: int, rule: Any) -> Iterator[Problem]:
    if _is_plain(rule):
        return
    if not isinstance(rule, Mapping):
        yield Problem(where=f"[{index}]", found=_shown(rule), expected="a mapping such as {schema: shop, table: %}")
    else:
        check = _raw_problems if "rule-type" in rule else _friendly_problems
        for problem in check(rule):
            yield problem.under(f"[{index}]")


def _is_plain(rule: Any) -> bool:
    """Tell at once that nothing is wrong with a rule of names alone: there may be ten thousand of them."""
    if not isinstance(rule, dict) or not rule.keys() <= PLAIN_KEYS:
        return False
    schema, table = rule.get("schema"), rule.get("table")
    if not (isinstance(schema, str) and isinstance(table, str) and schema and table):
        return False
    return rule.get("action", "include") in ACTIONS and not ("[" in schema + table or "%" in schema + table)


def _friendly_problems(rule: RawRule) -> Iterator[Problem]:
    for key in rule:
        if key not in FRIENDLY_KEYS:
            yield Problem(where=f".{key}", found="an unknown key", expected=_one_of(FRIENDLY_KEYS))
    action = rule.get("action", "include")
    yield from _locator_problems((".schema", ".table"), (rule.get("schema"), rule.get("table")), action)
    yield from _choice(".action", action, ACTIONS)
    yield from _choice(".type", rule.get("type", "table"), TABLE_TYPES)
    if "load_order" in rule and type(rule["load_order"]) is not int:
        yield Problem(where=".load_order", found=_shown(rule["load_order"]), expected="an integer; higher loads first")
    if "filters" in rule:
        yield from _filters_problems(rule["filters"], action)


def _raw_problems(rule: RawRule) -> Iterator[Problem]:
    if not str(rule.get("rule-id", "")).isdecimal():
        yield Problem(
            where=".rule-id", found=_shown(rule.get("rule-id")), expected="a number, as DMS wants in every rule"
        )
    yield from _choice(".rule-type", rule["rule-type"], RULE_TYPES)
    locator = rule.get("object-locator")
    if not isinstance(locator, Mapping):
        yield Problem(where=".object-locator", found=_shown(locator), expected="an object locator; it cannot be null")
    elif rule["rule-type"] == "selection":
        yield from _raw_selection_problems(rule, locator)
    elif rule["rule-type"] == "table-settings":
        yield from _exact_problems(locator)
    elif is_mask(rule):
        yield from _mask_problems(rule)


def is_mask(rule: RawRule) -> bool:
    """Tell whether a rule masks data."""
    return rule.get("rule-type") == "transformation" and str(rule.get("rule-action", "")).startswith("data-masking-")


def _mask_problems(rule: RawRule) -> Iterator[Problem]:
    yield from _choice(".rule-target", rule.get("rule-target"), ("column",))
    yield from _choice(".rule-action", rule["rule-action"], MASKS)
    value = rule.get("value")
    printable = isinstance(value, str) and len(value) == 1 and "!" <= value <= "~"
    if rule["rule-action"] == MASKS[0] and not printable:
        yield Problem(where=".value", found=_shown(value), expected="one printable ASCII character, such as #")


def _raw_selection_problems(rule: RawRule, locator: Mapping[str, Any]) -> Iterator[Problem]:
    action = rule.get("rule-action")
    places = (".object-locator.schema-name", ".object-locator.table-name")
    yield from _locator_problems(places, (locator.get("schema-name"), locator.get("table-name")), action)
    yield from _choice(".rule-action", action, ACTIONS)
    yield from _choice(".object-locator.table-type", locator.get("table-type", "table"), TABLE_TYPES)
    if rule.get("filters") and action != "include":
        yield Problem(where=".filters", found=f"filters with {_shown(action)}", expected="filters only with include")


def _exact_problems(locator: Mapping[str, Any]) -> Iterator[Problem]:
    for key in ("schema-name", "table-name"):
        name = locator.get(key)
        if not isinstance(name, str) or "%" in name:
            yield Problem(
                where=f".object-locator.{key}", found=_shown(name), expected="an exact name in table settings"
            )


def _locator_problems(places: tuple[str, str], patterns: tuple[Any, Any], action: Any) -> Iterator[Problem]:
    for place, pattern in zip(places, patterns, strict=True):
        if not isinstance(pattern, str) or not pattern:
            yield Problem(where=place, found=_shown(pattern), expected="a name or a pattern")
        elif action != "explicit" and not is_well_formed(pattern):
            yield Problem(
                where=place, found=_shown(pattern), expected="every [ closed and not empty, as in [_] or [a-d]"
            )
        elif action == "explicit" and ("%" in pattern or "[" in pattern):
            yield Problem(
                where=place, found=_shown(pattern), expected="an exact name with explicit; include for patterns"
            )


def _filters_problems(filters: Any, action: Any) -> Iterator[Problem]:
    if not isinstance(filters, list):
        yield Problem(where=".filters", found=_shown(filters), expected="a list of {column, operator, value}")
        return
    if filters and action != "include":
        yield Problem(where=".filters", found=f"filters with {_shown(action)}", expected="filters only with include")
    for index, one in enumerate(filters):
        for problem in _filter_problems(one):
            yield problem.under(f".filters[{index}]")


def _filter_problems(one: Any) -> Iterator[Problem]:
    if not isinstance(one, Mapping):
        yield Problem(
            where="", found=_shown(one), expected="{column, operator, value} or {column, operator, start, end}"
        )
        return
    for key in one:
        if key not in FILTER_KEYS:
            yield Problem(where=f".{key}", found="an unknown key", expected=_one_of(FILTER_KEYS))
    if not isinstance(one.get("column"), str) or not one["column"]:
        yield Problem(where=".column", found=_shown(one.get("column")), expected="a column's name")
    operator = one.get("operator")
    yield from _choice(".operator", operator, OPERATORS)
    wanted = ("value",) if operator in ONE_VALUE else ("start", "end") if operator in TWO_VALUES else ()
    given = tuple(key for key in ("value", "start", "end") if key in one)
    if operator in OPERATORS and given != wanted:
        yield Problem(
            where="", found=f"{operator} with {_listed(given)}", expected=f"{operator} with {_listed(wanted)}"
        )


def _problems_together(rules: Sequence[RawRule]) -> Iterator[Problem]:
    """Yield what is wrong with rules that are well-formed one by one."""
    seen: set[str] = set()
    for index, rule in enumerate(rules):
        if "rule-id" not in rule:
            continue
        rule_id = str(rule["rule-id"])
        if rule_id in seen:
            yield Problem(where=f"[{index}].rule-id", found=f"{rule_id} a second time", expected="a rule id of its own")
        seen.add(rule_id)
    if not any(action in ("include", "explicit") for action, _, _ in _selections(rules)):
        yield Problem(where="", found="no rule that includes a table", expected="at least one include or explicit rule")
    excluded = [(schema, table) for action, schema, table in _selections(rules) if action == "exclude"]
    for schema, table in excluded:
        if matches(schema, names.CONTROL_SCHEMA) and matches(table, names.MARKER_TABLE):
            marker = f"{names.CONTROL_SCHEMA}.{names.MARKER_TABLE}"
            yield Problem(
                where="",
                found=f"exclude {schema}.{table} also excludes {marker}",
                expected=f"rules that leave {marker} in: a row of it proves that changes arrive",
            )


def _selections(rules: Iterable[RawRule]) -> Iterator[tuple[str, str, str]]:
    for rule in rules:
        if "rule-type" not in rule:
            yield rule.get("action", "include"), rule["schema"], rule["table"]
        elif rule["rule-type"] == "selection":
            locator = rule["object-locator"]
            yield rule["rule-action"], locator["schema-name"], locator["table-name"]


def _choice(place: str, value: Any, allowed: tuple[str, ...]) -> Iterator[Problem]:
    if value not in allowed:
        yield Problem(where=place, found=_shown(value), expected=_one_of(allowed))


def _one_of(allowed: Iterable[str]) -> str:
    return f"one of {', '.join(allowed)}"


def _listed(keys: Sequence[str]) -> str:
    return " and ".join(keys) or "no value"


def _shown(value: Any) -> str:
    return "nothing" if value is None else repr(value)
