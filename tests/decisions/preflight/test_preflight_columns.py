"""What is said of column types and LOBs: the tables below are the specification."""

from __future__ import annotations

import pytest

from pg_cdc.config import Migration
from pg_cdc.decisions.preflight.column_types import Fate, fates
from pg_cdc.decisions.preflight.columns import column_findings
from pg_cdc.decisions.preflight.lobs import lob_findings, suggested_kilobytes
from pg_cdc.decisions.preflight.table_facts import Column
from pg_cdc.decisions.world import Table
from tests.decisions.preflight.test_preflight import TARGET

DOC = Table(schema="shop", name="docs")
KEYLESS = Table(schema="shop", name="docs", has_primary_key=False)
TEXT = Column("shop", "docs", "body", "text")
ARRAY = Column("shop", "docs", "tags", "int4[]", "a")
KIB = 1024


def column(type_: str, kind: str = "b", size: int | None = None) -> Column:
    return Column("shop", "docs", "c", type_, kind, size)


def settings(**target) -> Migration:
    return Migration.model_validate({"replication": {"task_settings": {"TargetMetadata": target}}})


def prepared(mode: str) -> Migration:
    wanted = {"FullLoadSettings": {"TargetTablePrepMode": mode}}
    return Migration.model_validate({"replication": {"task_settings": wanted}})


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        pytest.param(column("text"), {Fate.LOB}, id="text"),
        pytest.param(column("jsonb"), {Fate.LOB}, id="jsonb"),
        pytest.param(column("int4[]", "a"), {Fate.LOB}, id="array"),
        pytest.param(column("hstore"), {Fate.LOB}, id="hstore"),
        pytest.param(column("money_and_currency", "c"), {Fate.LOB, Fate.CHANGED}, id="composite"),
        pytest.param(column("tsvector"), {Fate.LOB, Fate.CHANGED}, id="tsvector"),
        pytest.param(column("mood", "e"), {Fate.CHANGED}, id="enum"),
        pytest.param(column("int4range", "r"), {Fate.CHANGED}, id="range"),
        pytest.param(column("int4multirange", "m"), {Fate.UNKNOWN}, id="multirange"),
        pytest.param(column("inet"), {Fate.CHANGED}, id="inet"),
        pytest.param(column("interval"), {Fate.CHANGED}, id="interval"),
        pytest.param(column("numeric"), {Fate.ROUNDED}, id="numeric-without-precision"),
        pytest.param(column("numeric", size=38), set(), id="numeric-of-38-digits"),
        pytest.param(column("numeric", size=39), {Fate.TOO_PRECISE}, id="numeric-of-39-digits"),
        pytest.param(column("varchar"), {Fate.NO_LENGTH}, id="varchar-without-length"),
        pytest.param(column("varchar", size=10), set(), id="varchar-of-a-length"),
        pytest.param(column("bpchar", size=1), set(), id="char"),
        pytest.param(column("timetz"), {Fate.ZONE_LOST}, id="time-with-zone"),
        pytest.param(column("oid"), {Fate.LARGE_OBJECT}, id="oid"),
        pytest.param(column("lo"), {Fate.LARGE_OBJECT}, id="lo"),
        pytest.param(column("geometry"), {Fate.GEOGRAPHIC}, id="postgis"),
        pytest.param(column("pg_lsn"), {Fate.UNKNOWN}, id="a-type-that-dms-does-not-list"),
        pytest.param(column("vector"), {Fate.UNKNOWN}, id="an-extension-that-dms-does-not-know"),
    ],
)
def test_what_becomes_of_a_type(found, expected):
    assert fates(found) == expected


@pytest.mark.parametrize(
    ("migration", "expected"),
    [
        pytest.param(Migration(), {"type_changed", "time_zone_lost"}, id="dms-makes-the-tables"),
        pytest.param(prepared("DROP_AND_CREATE"), {"type_changed", "time_zone_lost"}, id="said-outright"),
        pytest.param(prepared("TRUNCATE_BEFORE_LOAD"), {"time_zone_lost"}, id="tables-are-there-with-their-types"),
        pytest.param(prepared("DO_NOTHING"), {"time_zone_lost"}, id="left-as-they-are"),
    ],
)
def test_a_changed_type_matters_only_where_dms_makes_the_table(migration, expected):
    findings = column_findings(migration, [column("mood", "e"), column("timetz")], TARGET)

    assert {finding.code for finding in findings} == expected


@pytest.mark.parametrize(
    ("extensions", "codes"),
    [
        pytest.param((), ["postgis_missing_on_target"], id="missing-there"),
        pytest.param(("postgis",), [], id="on-both-ends"),
    ],
)
def test_postgis_is_moved_between_databases_that_both_have_it(extensions, codes):
    from dataclasses import replace

    found = column_findings(Migration(), [column("geometry")], replace(TARGET, installed_extensions=extensions))

    assert [finding.code for finding in found] == codes


OWN_RULE = {
    "rule-type": "table-settings", "rule-id": "9", "rule-name": "9",
    "object-locator": {"schema-name": "shop", "table-name": "docs"},
}  # fmt: skip


def by_rule(**lob_settings) -> Migration:
    rules = [{"schema": "shop", "table": "%"}, {**OWN_RULE, "lob-settings": lob_settings}]
    return Migration.model_validate({"tables": {"rules": rules}})


MEASURING = Migration.model_validate({"replication": {"measure_lobs": True}})
LOB_CASES = [
    pytest.param(MEASURING, DOC, [TEXT], None, set(), id="measured-by-another-step"),
    pytest.param(MEASURING, DOC, [TEXT], {}, {"lob_column"}, id="could-not-be-measured"),
    pytest.param(Migration(), DOC, [TEXT], None, {"lob_column"}, id="limited-and-nobody-measured"),
    pytest.param(settings(FullLobMode=True), DOC, [TEXT], None, set(), id="full-mode"),
    pytest.param(settings(LobMaxSize=32), DOC, [TEXT], 32 * KIB, set(), id="measured-at-the-limit"),
    pytest.param(settings(LobMaxSize=32), DOC, [TEXT], 32 * KIB + 1, {"lob_too_long"}, id="measured-over-the-limit"),
    pytest.param(settings(), DOC, [TEXT], 32 * KIB + 1, {"lob_too_long"}, id="over-the-default-limit"),
    pytest.param(by_rule(mode="unlimited"), DOC, [TEXT], None, set(), id="the-tables-own-rule-moves-all"),
    pytest.param(by_rule(mode="none"), DOC, [TEXT], None, {"lobs_left_out"}, id="the-tables-own-rule-leaves-out"),
    pytest.param(
        by_rule(mode="limited", **{"bulk-max-size": 16}), DOC, [TEXT], 16 * KIB + 1, {"lob_too_long"},
        id="the-tables-own-limit",
    ),
    pytest.param(settings(SupportLobs=False), DOC, [TEXT], None, {"lobs_left_out"}, id="lobs-not-supported"),
    pytest.param(Migration(), DOC, [TEXT._replace(in_key=True)], 0, {"lob_in_key"}, id="lob-in-the-key"),
    pytest.param(Migration(), KEYLESS, [ARRAY], 0, {"array_without_key"}, id="array-without-key"),
    pytest.param(Migration(), DOC, [ARRAY], 0, set(), id="array-with-key"),
    pytest.param(Migration(), KEYLESS, [TEXT], 0, {"lob_without_key"}, id="lob-without-key"),
    pytest.param(
        settings(FullLobMode=True, BatchApplyEnabled=True), DOC, [TEXT], None, {"batch_apply_full_lob"},
        id="batches-with-full-lobs",
    ),
    pytest.param(settings(BatchApplyEnabled=True), DOC, [TEXT], 0, set(), id="batches-with-limited-lobs"),
    pytest.param(Migration(), DOC, [column("numeric")], None, set(), id="no-lob-at-all"),
]  # fmt: skip


@pytest.mark.parametrize(("migration", "table", "columns", "size", "expected"), LOB_CASES)
def test_what_is_said_of_lobs(migration, table, columns, size, expected):
    sizes = size if size is None or isinstance(size, dict) else {(c.schema, c.table, c.name): size for c in columns}

    assert {finding.code for finding in lob_findings(migration, [table], columns, sizes)} == expected


def test_a_value_over_the_limit_is_told_with_its_size_and_a_limit_that_would_do():
    (finding,) = lob_findings(settings(LobMaxSize=32), [DOC], [TEXT], {("shop", "docs", "body"): 100 * KIB})

    assert finding.subject == "shop.docs.body (100 KB)"
    assert finding.expected == "TargetMetadata.LobMaxSize of 100 or more"
    assert "LobMaxSize 200" in finding.cure


@pytest.mark.parametrize(("size", "kilobytes"), [(0, 1), (1, 1), (512, 1), (513, 2), (1 << 20, 2048)])
def test_a_suggested_limit_leaves_room_to_grow(size, kilobytes):
    assert suggested_kilobytes(size) == kilobytes
