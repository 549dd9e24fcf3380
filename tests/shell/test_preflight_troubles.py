"""One real database with every trouble in its tables: each is found, once, and nothing is said of a plain table."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from pg_cdc.config import Migration
from pg_cdc.decisions.preflight.table_facts import Column
from pg_cdc.decisions.preflight.tables import table_findings
from pg_cdc.facts.ends import read_source
from pg_cdc.facts.postgres import read_server, read_tables
from pg_cdc.facts.shapes import read_shapes
from pg_cdc.hooks.postgres import connect_source

TROUBLES = Path(__file__).with_name("troubles.sql").read_text()
ALL = {"rules": [{"schema": "shop", "table": "%", "type": "all"}]}
CODES = {
    "table_without_key", "identity_not_the_key", "identity_full_under_pglogical", "deferrable_key", "unlogged_table",
    "lob_column", "lob_in_key", "array_without_key", "lob_without_key", "numeric_without_precision",
    "numeric_too_precise", "type_changed", "type_unknown_to_dms", "time_zone_lost", "varchar_without_length",
    "large_object", "row_level_security", "sequence_to_sync", "deferrable_foreign_key", "deferrable_constraint",
    "unique_expression_index", "trigger_not_copied", "generated_column", "names_differ_by_case", "inheritance_twice",
    "view_with_changes", "relation_not_copied", "partitions_twice",
}  # fmt: skip


@pytest.fixture
def migration(source) -> Migration:
    return Migration.model_validate(source.spec(tables=ALL))


@pytest.fixture
def conn(source, migration):
    with connect_source(migration, read_source(migration)) as conn:
        conn.execute("DROP TABLE shop.orders, shop.events")
        yield conn


def findings(conn, migration):
    server = read_server(conn)
    return list(table_findings(migration, server, read_tables(conn), read_shapes(conn, migration), server))


def test_each_trouble_is_found_once_and_names_its_table(conn, migration):
    conn.execute(TROUBLES)

    found = findings(conn, migration)

    assert Counter(finding.code for finding in found) == Counter(CODES)
    assert [finding.code for finding in found if finding.code not in finding.subject] == []
    assert not [finding for finding in found if "plain" in finding.subject or "seen_through" in finding.subject]


def test_the_sql_of_every_cure_is_accepted_by_postgresql_and_ends_the_trouble(conn, migration):
    conn.execute(TROUBLES)
    before = {finding.code: finding for finding in findings(conn, migration)}
    conn.execute(f'CREATE ROLE "{migration.dms_role.name}"')

    for code in ("identity_not_the_key", "identity_full_under_pglogical", "row_level_security", "unlogged_table"):
        conn.execute(before[code].cure.partition(";")[0])
    conn.execute(before["deferrable_foreign_key"].cure.partition(";")[0])
    conn.execute(before["time_zone_lost"].cure.partition(";")[0])
    conn.execute(before["varchar_without_length"].cure.partition(";")[0])
    conn.execute(before["numeric_without_precision"].cure.partition(";")[0])

    left = {finding.code for finding in findings(conn, migration)}
    assert set(before) - left == {
        "identity_not_the_key", "identity_full_under_pglogical", "row_level_security", "unlogged_table",
        "deferrable_foreign_key", "time_zone_lost", "varchar_without_length", "numeric_without_precision",
    }  # fmt: skip


def test_an_empty_schema_of_plain_tables_has_no_findings(conn, migration):
    conn.execute("CREATE TABLE shop.plain (id integer PRIMARY KEY, name varchar(10), price numeric(10, 2), at date)")

    assert findings(conn, migration) == []


def test_a_domain_is_followed_to_the_type_beneath(conn, migration):
    conn.execute("CREATE DOMAIN shop.label AS text; CREATE DOMAIN shop.nested AS shop.label")
    conn.execute("CREATE DOMAIN shop.price AS numeric(10, 2); CREATE DOMAIN shop.code AS varchar(5)")
    conn.execute("CREATE TABLE shop.t (id integer PRIMARY KEY, a shop.nested, b shop.price, c shop.code, d date[])")

    assert read_shapes(conn, migration).columns == (
        Column("shop", "t", "a", "text"),
        Column("shop", "t", "d", "date[]", "a"),
    )


def test_reading_takes_a_fixed_number_of_queries_whatever_the_number_of_tables(conn, migration, monkeypatch):
    conn.execute(TROUBLES)
    asked = []
    execute = type(conn).execute

    def record(self, query, *rest):
        if self is conn:
            asked.append(query)
        return execute(self, query, *rest)

    monkeypatch.setattr(type(conn), "execute", record)

    read_shapes(conn, migration)

    assert len(asked) == 4


def test_the_demos_shop_has_warnings_only_and_they_are_few_and_short(conn, migration):
    conn.execute("DROP SCHEMA shop; SET shop.scale = 0.001")
    conn.execute((Path(__file__).parents[2] / "sandbox" / "demo" / "shop.sql").read_text())
    demo = migration.model_copy(update={"tables": Migration().tables})

    found = findings(conn, demo)

    assert {finding.severity for finding in found} <= {"warning", "note"}
    assert len({finding.code for finding in found}) == len(found) <= 10
    assert max(len(finding.subject) for finding in found) < 600
