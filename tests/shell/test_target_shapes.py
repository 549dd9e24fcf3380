"""What is read of a real target: tables with what stands in a load's way, and what the login may do."""

from __future__ import annotations

import pytest

from pg_cdc.config import Migration
from pg_cdc.decisions.preflight.table_facts import Shapes, TargetTable
from pg_cdc.decisions.preflight.target_tables import target_table_findings
from pg_cdc.facts.postgres import read_server, read_tables
from pg_cdc.facts.shapes import read_target_shapes

TABLES = """
CREATE TABLE shop.customers (id integer PRIMARY KEY, code varchar(5) UNIQUE);
CREATE TABLE shop.basket (id integer PRIMARY KEY, customer integer REFERENCES shop.customers, note text NOT NULL);
CREATE INDEX basket_customer ON shop.basket (customer);
CREATE FUNCTION shop.nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER noisy BEFORE INSERT ON shop.basket FOR EACH ROW EXECUTE FUNCTION shop.nothing();
CREATE TABLE shop.quiet (id integer);
CREATE TRIGGER silent BEFORE INSERT ON shop.quiet FOR EACH ROW EXECUTE FUNCTION shop.nothing();
ALTER TABLE shop.quiet DISABLE TRIGGER silent;
"""


@pytest.fixture
def admin(source):
    with source.admin() as conn:
        conn.execute(TABLES)
        yield conn


def test_a_table_is_read_with_what_stands_in_the_way_of_a_load(admin):
    found = {table.name: table for table in read_target_shapes(admin).tables}

    assert found["basket"] == TargetTable(
        "shop", "basket", True, [], ["basket_customer"], ["basket_customer_fkey"], ["noisy"], ["note"], True, True
    )
    assert found["customers"] == TargetTable(
        "shop", "customers", True, ["customers_code_key"], [], ["basket_customer_fkey"], [], [], True, True
    )
    assert found["quiet"] == TargetTable("shop", "quiet", False, [], [], [], [], [], True, True)


def test_the_rights_are_those_of_the_login(admin, source):
    with source.login(source.app) as conn:
        seen = read_target_shapes(conn)

    owned = {table.name: (table.owned, table.writable) for table in seen.tables}
    assert owned["orders"] == (True, True)
    assert owned["basket"] == (False, False)
    assert seen.may_create is False
    assert seen.schemas == {"public": False, "shop": True}


def test_the_cure_for_a_missing_right_is_sql_that_ends_it(admin, source):
    migration = Migration.model_validate(source.spec(target={"database": source.name}))
    tables = [table for table in read_tables(admin) if table.name == "orders"]

    def missing() -> list:
        with source.login(source.app) as conn:
            shapes, server = read_target_shapes(conn), read_server(conn)
        return list(target_table_findings(migration, tables, Shapes(), shapes, server, loaded=False))

    first = missing()
    for finding in first:
        grant = finding.cure.partition("GRANT ")[2].replace("its login", f'"{source.app}"')
        admin.execute(f"GRANT {grant}")

    assert {finding.code for finding in first} == {"target_privilege_missing"}
    assert missing() == []


def test_a_load_into_these_tables_is_told_of_each_trouble(admin, source):
    settings = {"FullLoadSettings": {"TargetTablePrepMode": "TRUNCATE_BEFORE_LOAD"}}
    migration = Migration.model_validate(source.spec(replication={"task_settings": settings}))

    found = target_table_findings(
        migration, read_tables(admin), Shapes(), read_target_shapes(admin), read_server(admin), loaded=False
    )

    assert {finding.code: finding.subject for finding in found} == {
        "target_foreign_key": "shop.basket (basket_customer_fkey), shop.customers (basket_customer_fkey)",
        "target_trigger": "shop.basket (noisy)",
        "target_secondary_index": "shop.basket (basket_customer)",
    }
