"""Selection rules become the mappings DMS takes, and select here what they will select there."""

from __future__ import annotations

import time

import pytest

from pg_cdc.config import Migration
from pg_cdc.decisions.dms.rule_grammar import rule_problems
from pg_cdc.decisions.dms.table_mappings import build_table_mappings, parse_rules, selected_tables
from pg_cdc.decisions.world import Table
from pg_cdc.failures import SpecInvalid

RAW = {
    "rule-type": "selection",
    "rule-id": "7",
    "rule-name": "seven",
    "object-locator": {"schema-name": "shop", "table-name": "cust%"},
    "rule-action": "include",
}
TABLES = tuple(
    Table(schema=schema, name=name, kind=kind)
    for schema, name, kind in (
        ("shop", "orders", "p"),
        ("shop", "orders_2026_q1", "r"),
        ("shop", "order_items", "r"),
        ("shop", "orderXitems", "r"),
        ("shop", "Customers", "r"),
        ("shop", "recent", "v"),
        ("audit", "events", "r"),
    )
)


def names(rules) -> list[str]:
    return [table.name for table in selected_tables(parse_rules(rules), TABLES)]


def migration(*rules) -> Migration:
    return Migration(tables={"rules": list(rules)})


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        pytest.param(
            [{"schema": "shop", "table": "%"}],
            ["orders", "orders_2026_q1", "order_items", "orderXitems", "Customers"],
            id="a-whole-schema-without-its-views",
        ),
        pytest.param(
            [{"schema": "shop", "table": "order%"}, {"schema": "shop", "table": "orders", "action": "exclude"}],
            ["orders_2026_q1", "order_items", "orderXitems"],
            id="exclude-beats-include",
        ),
        pytest.param(
            [{"schema": "shop", "table": "orders", "action": "exclude"}, {"schema": "shop", "table": "orders"}],
            [],
            id="exclude-beats-include-in-any-order",
        ),
        pytest.param(
            [{"schema": "shop", "table": "order_items", "action": "explicit"}], ["order_items"], id="explicit-is-exact"
        ),
        pytest.param([{"schema": "shop", "table": "order_items"}], ["order_items", "orderXitems"], id="underscore"),
        pytest.param([{"schema": "shop", "table": "order[_]items"}], ["order_items"], id="bracketed-underscore"),
        pytest.param([{"schema": "shop", "table": "customers"}], [], id="case-counts"),
        pytest.param([{"schema": "shop", "table": "%", "type": "view"}], ["recent"], id="views"),
        pytest.param(
            [{"schema": "%", "table": "%e%t%", "type": "all"}],
            ["order_items", "orderXitems", "recent", "events"],
            id="all-kinds",
        ),
        pytest.param([RAW], [], id="a-raw-rule-selects-likewise"),
        pytest.param([RAW, {"schema": "audit", "table": "events"}], ["events"], id="raw-beside-friendly"),
    ],
)
def test_rules_select(rules, expected):
    assert names(rules) == expected


def test_a_friendly_rule_becomes_what_dms_takes():
    rule = {
        "schema": "shop",
        "table": "payments",
        "type": "table",
        "load_order": 2,
        "filters": [
            {"column": "id", "operator": "between", "start": 1, "end": 9},
            {"column": "void_at", "operator": "null"},
        ],
    }

    first = build_table_mappings(migration(rule))["rules"][0]

    assert first == {
        "rule-type": "selection",
        "rule-id": "1",
        "rule-name": "1",
        "object-locator": {"schema-name": "shop", "table-name": "payments", "table-type": "table"},
        "rule-action": "include",
        "load-order": 2,
        "filters": [
            {
                "filter-type": "source",
                "column-name": "id",
                "filter-conditions": [{"filter-operator": "between", "start-value": "1", "end-value": "9"}],
            },
            {"filter-type": "source", "column-name": "void_at", "filter-conditions": [{"filter-operator": "null"}]},
        ],
    }


def test_raw_rules_are_sent_as_they_are_and_friendly_ones_take_free_ids():
    rules = build_table_mappings(migration({"schema": "a", "table": "%"}, {**RAW, "rule-id": 1}))["rules"]

    assert rules[1] == {**RAW, "rule-id": 1}
    assert rules[0]["rule-id"] == "2"


def test_the_marker_table_is_the_last_rule_under_an_id_of_its_own():
    last = build_table_mappings(migration(RAW))["rules"][-1]

    assert last["rule-id"] == "8"
    assert last["object-locator"] == {"schema-name": "pgcdc", "table-name": "marker"}
    assert selected_tables(parse_rules([last]), [Table(schema="pgcdc", name="marker")])


@pytest.mark.parametrize(
    ("rules", "where", "found"),
    [
        pytest.param([], "", "no rule", id="no-rule"),
        pytest.param(["shop.%"], "[0]", "'shop.%'", id="not-a-mapping"),
        pytest.param([{"schema": "shop"}], "[0].table", "nothing", id="no-table"),
        pytest.param([{"schema": "", "table": "%"}], "[0].schema", "''", id="empty-schema"),
        pytest.param([{"schema": 7, "table": "%"}], "[0].schema", "7", id="schema-not-a-text"),
        pytest.param([{"schema": "shop", "tabel": "%"}], "[0].tabel", "an unknown key", id="misspelt-key"),
        pytest.param([{"schema": "shop", "table": "a[b"}], "[0].table", "'a[b'", id="unclosed-bracket"),
        pytest.param([{"schema": "shop", "table": "%", "action": "drop"}], "[0].action", "'drop'", id="unknown-action"),
        pytest.param([{"schema": "shop", "table": "%", "action": ["x"]}], "[0].action", "['x']", id="a-list-as-action"),
        pytest.param([{"schema": "s", "table": "%", "type": "index"}], "[0].type", "'index'", id="unknown-type"),
        pytest.param([{"schema": "s", "table": "a%", "action": "explicit"}], "[0].table", "'a%'", id="not-explicit"),
        pytest.param([{"schema": "s", "table": "%", "load_order": "1"}], "[0].load_order", "'1'", id="load-order"),
        pytest.param(
            [{"schema": "s", "table": "%", "action": "exclude"}], "", "no rule that includes a table", id="no-include"
        ),
        pytest.param(
            [{"schema": "s", "table": "t", "filters": [{"column": "a", "operator": "gt", "value": 1}]}],
            "[0].filters[0].operator", "'gt'", id="unknown-operator",
        ),
        pytest.param(
            [{"schema": "s", "table": "t", "filters": [{"column": "a", "operator": "between", "value": 1}]}],
            "[0].filters[0]", "between with value", id="between-needs-two-values",
        ),
        pytest.param(
            [{"schema": "s", "table": "t"}, {"schema": "s", "table": "u", "action": "exclude", "filters": [{}]}],
            "[1].filters", "filters with 'exclude'", id="filters-only-with-include",
        ),
        pytest.param([{"schema": "s", "table": "t", "filters": {}}], "[0].filters", "{}", id="filters-not-a-list"),
        pytest.param([{**RAW, "rule-id": "x"}], "[0].rule-id", "'x'", id="raw-id-not-a-number"),
        pytest.param([RAW, RAW], "[1].rule-id", "7 a second time", id="raw-id-twice"),
        pytest.param([{**RAW, "rule-type": "select"}], "[0].rule-type", "'select'", id="raw-type"),
        pytest.param([{**RAW, "object-locator": None}], "[0].object-locator", "nothing", id="raw-locator-null"),
        pytest.param([{**RAW, "rule-action": None}], "[0].rule-action", "nothing", id="raw-action-missing"),
        pytest.param(
            [RAW, {**RAW, "rule-id": 8, "rule-type": "table-settings"}],
            "[1].object-locator.table-name", "'cust%'", id="table-settings-need-exact-names",
        ),
        pytest.param(
            [{"schema": "%", "table": "%"}, {"schema": "pg%", "table": "%", "action": "exclude"}],
            "", "exclude pg%.% also excludes pgcdc.marker", id="the-marker-must-stay",
        ),
    ],
)  # fmt: skip
def test_a_bad_rule_is_named(rules, where, found):
    problems = {problem.where: problem.found for problem in rule_problems(rules)}

    assert problems[where] == found


def test_all_bad_rules_are_named_at_once():
    with pytest.raises(SpecInvalid) as refused:
        parse_rules([{"schema": "a"}, {"table": "b"}])

    assert "[0].table" in refused.value.found
    assert "[1].schema" in refused.value.found


@pytest.mark.parametrize("work", ["build", "select"])
def test_ten_thousand_rules_for_ten_thousand_tables_take_under_a_tenth_of_a_second(work):
    rules = [{"schema": "shop", "table": f"table_{n}", "action": "explicit"} for n in range(10_000)]
    tables = [Table(schema="shop", name=f"table_{n}") for n in range(10_000)]
    spec = Migration().model_copy(update={"tables": Migration().tables.model_copy(update={"rules": rules})})
    parsed = parse_rules(rules)

    def seconds() -> float:
        started = time.process_time()
        done = build_table_mappings(spec)["rules"] if work == "build" else selected_tables(parsed, tables)
        assert len(done) >= 10_000
        return time.process_time() - started

    assert min(seconds() for _ in range(5)) < 0.1
