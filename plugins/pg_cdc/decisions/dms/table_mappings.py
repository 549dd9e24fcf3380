"""Turn the spec's selection rules into DMS table mappings, and say which tables they select.

A friendly rule is ``{schema, table, action, type, load_order, filters}``; a rule with ``rule-type`` is DMS's own and is
sent as it is. Exclude beats include and explicit.
Source: https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Tasks.CustomizingTasks.TableMapping.SelectionTransformation.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pg_cdc.decisions import names
from pg_cdc.decisions.dms.rule_grammar import RawRule, rule_problems
from pg_cdc.decisions.dms.table_patterns import compiled, has_wildcard, literal
from pg_cdc.decisions.problem import spec_invalid

if TYPE_CHECKING:
    from pg_cdc.config import Migration
    from pg_cdc.decisions.world import Table

MARKER_RULE = "pg-cdc-marker"
KINDS = {"table": frozenset("rpf"), "view": frozenset("v"), "all": frozenset("rpfv")}
"""DMS table types to pg_class.relkind."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SelectionRule:
    """One selection rule, whatever form it was written in. ``raw``: as DMS takes it."""

    rule_id: str
    schema: str
    table: str
    action: str
    table_type: str
    raw: RawRule

    @property
    def exact(self) -> bool:
        """Tell whether the rule can name one table only."""
        return self.action == "explicit" or not (has_wildcard(self.schema) or has_wildcard(self.table))

    def label(self) -> str:
        """Return the rule as a person would point at it."""
        return f"rule {self.rule_id} ({self.action} {self.schema}.{self.table})"


def parse_rules(rules: Sequence[RawRule]) -> tuple[SelectionRule, ...]:
    """Return the selection rules among ``rules``, in their order.

    :raises SpecInvalid: naming every malformed rule.
    """
    if problems := rule_problems(rules):
        raise spec_invalid(problems, next="correct tables.rules and trigger again")
    return tuple(_parsed(raw) for raw in raw_rules(rules) if raw["rule-type"] == "selection")


def raw_rules(rules: Sequence[RawRule]) -> tuple[dict[str, Any], ...]:
    """Return every rule as DMS takes it; friendly ones get the lowest rule ids that are not in use."""
    taken = {str(rule["rule-id"]) for rule in rules if "rule-id" in rule}
    free = (str(number) for number in range(1, len(rules) + len(taken) + 1) if str(number) not in taken)
    return tuple(dict(rule) if "rule-type" in rule else _to_raw(rule, next(free)) for rule in rules)


def build_table_mappings(migration: Migration) -> dict[str, Any]:
    """Return the table mappings document, with the marker table that proves streaming as its last rule."""
    rules = raw_rules(migration.tables.rules)
    highest = max((int(rule["rule-id"]) for rule in rules), default=0)
    return {"rules": [*rules, marker_rule(str(highest + 1))]}


def marker_rule(rule_id: str) -> dict[str, Any]:
    """Return the rule that includes our marker table."""
    return {
        "rule-type": "selection",
        "rule-id": rule_id,
        "rule-name": MARKER_RULE,
        "object-locator": {"schema-name": literal(names.CONTROL_SCHEMA), "table-name": literal(names.MARKER_TABLE)},
        "rule-action": "include",
    }


def selected_tables(rules: Sequence[SelectionRule], tables: Iterable[Table]) -> tuple[Table, ...]:
    """Return the ``tables`` that ``rules`` select, in the order given."""
    chosen = selector(rule for rule in rules if rule.action != "exclude")
    refused = selector(rule for rule in rules if rule.action == "exclude")
    return tuple(table for table in tables if chosen(table) and not refused(table))


def selector(rules: Iterable[SelectionRule]) -> Callable[[Table], bool]:
    """Return the test whether any of ``rules`` names a table; rules without wildcards cost one look-up together."""
    exact: dict[tuple[str, str], set[str]] = {}
    patterns = []
    for rule in rules:
        kinds = KINDS[rule.table_type]
        if rule.exact:
            exact.setdefault((rule.schema, rule.table), set()).update(kinds)
        else:
            patterns.append((compiled(rule.schema).fullmatch, compiled(rule.table).fullmatch, kinds))

    def named(table: Table) -> bool:
        if table.kind in exact.get((table.schema, table.name), ()):
            return True
        return any(
            table.kind in kinds and schema(table.schema) and name(table.name) for schema, name, kinds in patterns
        )

    return named


def _parsed(raw: RawRule) -> SelectionRule:
    locator = raw["object-locator"]
    return SelectionRule(
        rule_id=str(raw["rule-id"]),
        schema=locator["schema-name"],
        table=locator["table-name"],
        action=raw["rule-action"],
        table_type=locator.get("table-type", "table"),
        raw=raw,
    )


def _to_raw(rule: RawRule, rule_id: str) -> dict[str, Any]:
    locator = {"schema-name": rule["schema"], "table-name": rule["table"]}
    if "type" in rule:
        locator["table-type"] = rule["type"]
    raw: dict[str, Any] = {
        "rule-type": "selection",
        "rule-id": rule_id,
        "rule-name": rule_id,
        "object-locator": locator,
        "rule-action": rule.get("action", "include"),
    }
    if "load_order" in rule:
        raw["load-order"] = rule["load_order"]
    if rule.get("filters"):
        raw["filters"] = list(_raw_filters(rule["filters"]))
    return raw


def _raw_filters(filters: Iterable[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield one DMS filter per friendly one: filters are ANDed, the conditions of one are ORed."""
    for one in filters:
        values = {"value": "value", "start": "start-value", "end": "end-value"}
        condition = {"filter-operator": one["operator"]}
        condition |= {raw: str(one[friendly]) for friendly, raw in values.items() if friendly in one}
        yield {"filter-type": "source", "column-name": one["column"], "filter-conditions": [condition]}
