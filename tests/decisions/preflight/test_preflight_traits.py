"""What is said of keys, of what tables have beside columns, and of WAL settings: the tables are the specification."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pg_cdc.config import Migration, Plugin
from pg_cdc.decisions.dms.table_mappings import parse_rules, selector
from pg_cdc.decisions.preflight.keys import has_filters, key_findings
from pg_cdc.decisions.preflight.table_facts import Shapes, Trait
from pg_cdc.decisions.preflight.traits import case_findings, trait_findings, view_findings
from pg_cdc.decisions.preflight.wal import wal_findings
from pg_cdc.decisions.sql_text import quoted, statements
from pg_cdc.decisions.world import Table

ORDERS = Table(schema="shop", name="orders")
KEYLESS = replace(ORDERS, has_primary_key=False)
FULL_LOAD = Migration.model_validate({"replication": {"migration_type": "full-load"}})
CDC = Migration.model_validate({"replication": {"migration_type": "cdc"}})
NO_KEYS = Shapes()


def trait(kind: str, *objects: str, table: str = "orders") -> Trait:
    return Trait(kind, "shop", table, objects)


def filtered(column: str) -> list[dict]:
    return [
        {"schema": "shop", "table": "%", "filters": [{"column": column, "operator": "gte", "value": "1"}]},
    ]


def codes(findings) -> list[str]:
    return [finding.code for finding in findings]


KEY_CASES = [
    pytest.param(ORDERS, Plugin.PGLOGICAL, [], id="a-key-and-the-default-identity"),
    pytest.param(KEYLESS, Plugin.PGLOGICAL, ["table_without_key"], id="no-key"),
    pytest.param(replace(KEYLESS, identity="f"), Plugin.TEST_DECODING, [], id="no-key-and-full-under-test-decoding"),
    pytest.param(replace(KEYLESS, kind="p"), Plugin.PGLOGICAL, [], id="a-partitioned-parent-has-no-rows"),
    pytest.param(replace(KEYLESS, kind="v"), Plugin.PGLOGICAL, [], id="a-view-has-no-key"),
    pytest.param(replace(ORDERS, identity="n"), Plugin.PGLOGICAL, ["identity_not_the_key"], id="identity-nothing"),
    pytest.param(replace(ORDERS, identity="i"), Plugin.PGLOGICAL, ["identity_not_the_key"], id="identity-by-index"),
    pytest.param(
        replace(ORDERS, identity="f"), Plugin.PGLOGICAL, ["identity_full_under_pglogical"], id="full-under-pglogical"
    ),
    pytest.param(replace(ORDERS, identity="f"), Plugin.TEST_DECODING, [], id="full-under-test-decoding"),
]  # fmt: skip


@pytest.mark.parametrize(("table", "plugin", "expected"), KEY_CASES)
def test_what_is_said_of_a_key(table, plugin, expected):
    assert codes(key_findings(Migration(), plugin, [table], NO_KEYS, ())) == expected


@pytest.mark.parametrize(("table", "plugin", "expected"), KEY_CASES)
def test_keys_do_not_matter_to_a_full_load(table, plugin, expected):
    assert codes(key_findings(FULL_LOAD, plugin, [table], NO_KEYS, ())) == []


@pytest.mark.parametrize(
    ("column", "table", "plugin", "expected"),
    [
        pytest.param("id", ORDERS, Plugin.PGLOGICAL, [], id="by-the-key"),
        pytest.param("note", ORDERS, Plugin.PGLOGICAL, ["filter_without_key_column"], id="by-another-column"),
        pytest.param("note", replace(ORDERS, identity="f"), Plugin.TEST_DECODING, [], id="the-whole-row-is-logged"),
    ],
)
def test_a_filter_loses_deletes_unless_its_column_is_logged(column, table, plugin, expected):
    rules = parse_rules(filtered(column))
    shapes = Shapes(keys={("shop", "orders"): ("id",)})

    assert has_filters(rules)
    assert codes(key_findings(Migration(), plugin, [table], shapes, rules)) == expected


def test_keys_are_asked_for_only_if_a_rule_has_a_filter():
    assert not has_filters(parse_rules([{"schema": "shop", "table": "%"}]))


def test_tables_without_a_key_are_not_validated():
    validating = Migration.model_validate(
        {"replication": {"task_settings": {"ValidationSettings": {"EnableValidation": True}}}}
    )

    assert "validation_without_key" in codes(key_findings(validating, Plugin.PGLOGICAL, [KEYLESS], NO_KEYS, ()))
    assert codes(key_findings(validating, Plugin.PGLOGICAL, [ORDERS], NO_KEYS, ())) == []


def test_a_unique_index_that_could_be_the_key_is_named_in_the_cure():
    shapes = Shapes(traits=(trait("unique_key", "orders_no"),))

    (finding,) = key_findings(Migration(), Plugin.PGLOGICAL, [KEYLESS], shapes, ())

    assert 'ALTER TABLE "shop"."orders" ADD PRIMARY KEY USING INDEX "orders_no";' in finding.cure


@pytest.mark.parametrize(
    ("found", "migration", "expected"),
    [
        pytest.param(trait("trigger", "t"), Migration(), ["trigger_not_copied"], id="trigger"),
        pytest.param(trait("trigger", "t", table="other"), Migration(), [], id="trigger-of-a-table-not-selected"),
        pytest.param(trait("row_security"), Migration(), ["row_level_security"], id="row-security"),
        pytest.param(trait("row_security"), FULL_LOAD, ["row_level_security"], id="row-security-in-a-full-load"),
        pytest.param(trait("row_security"), CDC, [], id="row-security-does-not-reach-the-wal"),
        pytest.param(trait("deferrable_key", "pk"), Migration(), ["deferrable_key"], id="deferrable-key"),
        pytest.param(trait("deferrable_key", "pk"), FULL_LOAD, [], id="deferrable-key-in-a-full-load"),
        pytest.param(trait("sequence", "shop.s"), Migration(), ["sequence_to_sync"], id="sequence-of-a-column"),
        pytest.param(trait("lone_sequence", "shop.s", table=""), Migration(), ["sequence_to_sync"], id="lone-sequence"),
        pytest.param(Trait("lone_sequence", "other", "", ("s",)), Migration(), [], id="lone-sequence-elsewhere"),
        pytest.param(trait("materialized_view", table="sums"), Migration(), ["relation_not_copied"], id="matview"),
        pytest.param(Trait("foreign_table", "other", "f"), Migration(), [], id="a-foreign-table-no-rule-means"),
        pytest.param(trait("inherited_by", "shop.orders"), Migration(), ["inheritance_twice"], id="parent-and-child"),
        pytest.param(trait("inherited_by", "shop.heir"), Migration(), [], id="parent-without-its-child"),
        pytest.param(trait("not_grantable", "owner"), Migration(), ["select_not_grantable"], id="not-grantable"),
        pytest.param(trait("unique_key", "u"), Migration(), [], id="a-unique-index-is-no-trouble"),
    ],
)  # fmt: skip
def test_what_is_said_of_a_trait(found, migration, expected):
    selects = selector(parse_rules([{"schema": "shop", "table": "%"}]))

    assert codes(trait_findings(migration, [ORDERS], [found], selects)) == expected


def test_the_cure_of_row_security_lets_the_dms_role_see_all():
    role = Migration.model_validate({"dms_role": {"name": "app_dms"}})

    (finding,) = trait_findings(role, [ORDERS], [trait("row_security")], lambda _: True)

    assert 'CREATE POLICY pg_cdc ON "shop"."orders" FOR SELECT TO "app_dms" USING (true);' in finding.cure


@pytest.mark.parametrize(
    ("tables", "chosen", "traits", "expected"),
    [
        pytest.param(["orders", "Orders"], ["orders"], [], ["names_differ_by_case"], id="one-of-a-pair-selected"),
        pytest.param(["orders", "Orders"], [], [], [], id="neither-selected"),
        pytest.param(["orders", "order"], ["orders"], [], [], id="other-names"),
        pytest.param(["orders"], ["orders"], [trait("column_case", "X", "x")], ["names_differ_by_case"], id="columns"),
    ],
)
def test_names_that_differ_by_case(tables, chosen, traits, expected):
    made = {name: Table(schema="shop", name=name) for name in tables}

    assert codes(case_findings(tuple(made.values()), [made[name] for name in chosen], traits)) == expected


@pytest.mark.parametrize(
    ("kind", "migration", "expected"),
    [
        pytest.param("v", Migration(), ["view_with_changes"], id="a-view-with-changes"),
        pytest.param("v", FULL_LOAD, [], id="a-view-copied-once"),
        pytest.param("r", Migration(), [], id="a-table"),
    ],
)
def test_a_view_can_only_be_copied(kind, migration, expected):
    assert codes(view_findings(migration, [replace(ORDERS, kind=kind)])) == expected


@pytest.mark.parametrize(
    ("planned", "shapes", "expected"),
    [
        pytest.param({}, NO_KEYS, [], id="nothing-set"),
        pytest.param({"max_slot_wal_keep_size": "-1"}, NO_KEYS, [], id="slots-without-limit"),
        pytest.param({"max_slot_wal_keep_size": "1GB"}, NO_KEYS, ["slot_wal_limited"], id="slots-with-a-limit"),
        pytest.param({"logical_decoding_work_mem": "64MB"}, NO_KEYS, [], id="decoding-at-the-default"),
        pytest.param({"logical_decoding_work_mem": "65535kB"}, NO_KEYS, ["decoding_spills_early"], id="below-it"),
        pytest.param({}, Shapes(subscriptions=1, audit_trigger_mode="O"), ["source_is_subscriber"], id="subscriber"),
        pytest.param({}, Shapes(subscriptions=1), ["source_is_subscriber"], id="subscriber-before-the-audit-is-there"),
        pytest.param({}, Shapes(subscriptions=1, audit_trigger_mode="A"), [], id="subscriber-with-enable-always"),
    ],
)
def test_what_is_said_of_wal_settings(planned, shapes, expected):
    assert codes(wal_findings(Migration(), planned, shapes)) == expected
    assert codes(wal_findings(FULL_LOAD, planned, shapes)) == []


def test_names_are_quoted_and_many_statements_are_counted():
    assert quoted("shop", 'a"b') == '"shop"."a""b"'
    assert statements(["A", "B", "C"]) == "A; B; C;"
    assert statements(["A", "B", "C", "D", "E"]) == "A; B; C; … and 2 more of the kind"
