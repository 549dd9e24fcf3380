"""What no catalogue tells is said, masks are held against keys and LOBs, and infinite dates are told as counted."""

from __future__ import annotations

from typing import Any

import pytest

from pg_cdc.config import Migration
from pg_cdc.decisions.dms.rule_grammar import rule_problems
from pg_cdc.decisions.preflight.masks import mask_findings
from pg_cdc.decisions.preflight.table_facts import Column
from pg_cdc.decisions.preflight.unseen import unseen_findings
from pg_cdc.decisions.world import Table

TABLES = (Table(schema="shop", name="people"), Table(schema="shop", name="orders"))
COLUMNS = (Column("shop", "people", "notes", "text"), Column("shop", "people", "code", "varchar", size=9))
KEYS = {("shop", "people"): ("id",), ("shop", "orders"): ("person", "number"), ("other", "people"): ("id",)}
SEEN = Migration.model_validate(
    {"replication": {"task_settings": {"FullLoadSettings": {"TargetTablePrepMode": "DO_NOTHING"}}}}
)


def mask(column: str, action: str = "digits-mask", table: str = "%", **more: Any) -> dict[str, Any]:
    locator = {"schema-name": "shop", "table-name": table, "column-name": column}
    rule = {
        "rule-type": "transformation", "rule-id": "7", "rule-name": "7", "rule-target": "column",
        "object-locator": locator, "rule-action": f"data-masking-{action}", "value": "#",
    }  # fmt: skip
    return {**rule, **more}


def told(*rules: dict[str, Any]) -> dict[str, str]:
    migration = Migration.model_validate({"tables": {"rules": [{"schema": "shop", "table": "%"}, *rules]}})
    return {found.code: found.subject for found in mask_findings(migration, TABLES, COLUMNS, KEYS)}


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        pytest.param(mask("code"), {}, id="a-plain-column"),
        pytest.param(mask("notes"), {"masked_lob": "shop.people.notes"}, id="a-lob"),
        pytest.param(mask("notes", "hash-mask"), {"masked_lob": "shop.people.notes"}, id="a-lob-hashed"),
        pytest.param(mask("id"), {"masked_key": "shop.people.id"}, id="a-key"),
        pytest.param(mask("id", "hash-mask"), {}, id="a-key-hashed"),
        pytest.param(
            mask("%", "digits-randomize", table="orders"),
            {"masked_key": "shop.orders.person, shop.orders.number"}, id="by-wildcard",
        ),
        pytest.param(mask("id", **{"rule-action": "rename", "value": "key"}), {}, id="a-rule-that-masks-nothing"),
    ],
)  # fmt: skip
def test_a_mask_that_would_lose_rows_or_hide_nothing_is_refused(rule, expected):
    assert told(rule) == expected


@pytest.mark.parametrize(
    ("rule", "place"),
    [
        pytest.param(mask("code", **{"rule-target": "table"}), "[1].rule-target", id="a-mask-of-a-table"),
        pytest.param(mask("code", value="##"), "[1].value", id="two-characters"),
        pytest.param(mask("code", value=" "), "[1].value", id="a-space"),
        pytest.param(mask("code", value=None), "[1].value", id="none"),
        pytest.param(mask("code", "all"), "[1].rule-action", id="no-such-mask"),
    ],
)
def test_a_mask_that_dms_would_refuse_is_a_problem_of_the_spec(rule, place):
    assert [problem.where for problem in rule_problems([{"schema": "shop", "table": "%"}, rule])] == [place]


def test_a_randomizing_mask_needs_no_character():
    assert rule_problems([{"schema": "shop", "table": "%"}, mask("code", "digits-randomize", value=None)]) == ()


def unseen(settings: dict[str, str] | None = None, dates: Any = None, migration: Migration = SEEN) -> dict[str, Any]:
    return {found.code: found for found in unseen_findings(migration, settings or {}, dates)}


@pytest.mark.parametrize(
    ("migration", "codes"),
    [
        pytest.param(Migration(), {"not_seen_by_looking", "tables_and_keys_only"}, id="by-default"),
        pytest.param(SEEN, {"not_seen_by_looking"}, id="the-target-has-its-tables"),
        pytest.param(
            Migration.model_validate({"replication": {"migration_type": "full-load"}}), {"tables_and_keys_only"},
            id="no-changes-are-followed",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_seen_is_said(migration, codes):
    assert set(unseen(migration=migration)) == codes
    assert "primary keys" in unseen()["not_seen_by_looking"].found


@pytest.mark.parametrize(("limit", "said"), [("0", False), ("", False), ("5", True)])
def test_transactions_that_can_be_prepared_are_told(limit, said):
    assert ("two_phase_commit" in unseen({"max_prepared_transactions": limit})) is said


def test_infinite_dates_are_told_with_their_number_and_their_cure():
    found = unseen(dates={("shop", "o", "until"): 2, ("shop", "o", "placed"): 0})["infinite_date"]

    assert found.subject == "shop.o.until (2 rows)"
    assert 'UPDATE "shop"."o" SET "until" = NULL WHERE NOT isfinite("until");' in found.cure


def test_dates_that_could_not_be_read_have_not_passed():
    codes = unseen(dates={("shop", "o", "a"): None, ("shop", "o", "b"): None, ("shop", "p", "c"): 0})

    assert codes["dates_not_measured"].subject == "shop.o"
    assert "infinite_date" not in codes
    assert not {"dates_not_measured", "infinite_date"} & set(unseen())
