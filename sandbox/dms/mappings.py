"""Table mappings: what CreateReplicationTask accepts, and how it refuses the rest."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from sandbox.api.errors import AwsError

TYPES = ("selection", "transformation", "table-settings", "validation", "object-mapping", "post-processing")
ACTIONS = ("include", "exclude", "explicit")
DONE_HERE = ("selection", "table-settings")
LOCATOR = ("schema-name", "table-name")


def parse_mappings(text: str) -> list[dict[str, Any]]:
    """Return the rules of a table-mappings document, or refuse it as AWS does."""
    rules = _rules(text)
    seen: set[str] = set()
    for rule in rules:
        _check(rule, seen)
    if not any(rule["rule-type"] == "selection" for rule in rules):
        raise _error("Error in mapping rules. At least one selection rule is required.")
    _refuse_undone(rules)
    return rules


def _rules(text: str) -> list[dict[str, Any]]:
    try:
        document = json.loads(text)
    except ValueError as error:
        raise _error(f"Invalid Table Mappings document. Invalid json {error}") from None
    rules = document.get("rules") if isinstance(document, dict) else None
    if not isinstance(rules, list) or not rules:
        raise _error("Valid Table mappings is required")
    if not all(isinstance(rule, dict) for rule in rules):
        raise _error("Invalid table mappings document.")
    return rules


def _check(rule: Mapping[str, Any], seen: set[str]) -> None:
    if rule.get("rule-type") not in TYPES or not str(rule.get("rule-id", "")).isdigit() or not rule.get("rule-name"):
        raise _error("Invalid table mappings document.")
    number = str(rule["rule-id"])
    if number in seen:
        raise _error(f"Error in mapping rules. Duplicate ruleid {number}")
    seen.add(number)
    if rule["rule-type"] == "selection" and rule.get("rule-action") not in ACTIONS:
        raise _error("Invalid table mappings document.")
    place = rule.get("object-locator")
    if not isinstance(place, dict):
        raise _error(
            f"Error in mapping rules. Rule with ruleId = {number} failed validation. object locator cannot be null"
        )
    if rule["rule-type"] in DONE_HERE:
        _check_names(rule, place, number)


def _check_names(rule: Mapping[str, Any], place: Mapping[str, Any], number: str) -> None:
    missing = [name for name in LOCATOR if not isinstance(place.get(name), str) or not place[name]]
    failed = f"Error in mapping rules. Rule with ruleId = {number} failed validation."
    if missing:
        raise _error(f"{failed} {missing[0]} cannot be null")
    if rule["rule-type"] == "table-settings" and any("%" in place[name] for name in LOCATOR):
        raise _error(f"{failed} Exact schema and table name required when using table settings rule.")


def _refuse_undone(rules: list[dict[str, Any]]) -> None:
    for rule in rules:
        if rule["rule-type"] not in DONE_HERE or rule.get("filters"):
            what = "filters" if rule.get("filters") else f"rules of type {rule['rule-type']}"
            raise AwsError("SandboxNotImplemented", f"The sandbox's DMS does not do {what}.", status=501)


def _error(text: str) -> AwsError:
    return AwsError("InvalidParameterValueException", text)
