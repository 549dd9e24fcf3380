"""What the DMS role lacks, and what the migration is about."""

from __future__ import annotations

import pytest

from pg_cdc.decisions.dms.role import (
    MissingGrant,
    RoleState,
    describe_grants,
    login_is_wrong,
    migration_scope,
    refuse_ungranted,
)
from pg_cdc.decisions.world import Table

TABLES = (Table(schema="shop", name="orders"), Table(schema="shop", name="log"), Table(schema="crm", name="people"))


@pytest.mark.parametrize(
    ("rules", "tables", "schemas"),
    [
        pytest.param([{"schema": "shop", "table": "%"}], ["orders", "log"], ("shop",), id="one-schema"),
        pytest.param(
            [{"schema": "shop", "table": "%"}, {"schema": "shop", "table": "log", "action": "exclude"}],
            ["orders"],
            ("shop",),
            id="an-excluded-table",
        ),
        pytest.param([{"schema": "%", "table": "orders"}], ["orders"], ("crm", "empty", "shop"), id="every-schema"),
        pytest.param([{"schema": "empty", "table": "%"}], [], ("empty",), id="a-schema-without-tables-yet"),
    ],
)
def test_the_scope_is(rules, tables, schemas):
    scope = migration_scope(rules, TABLES, ("shop", "crm", "empty"))

    assert [table.name for table in scope.tables] == tables
    assert scope.schemas == schemas


@pytest.mark.parametrize(
    ("superuser", "replication", "lacks"),
    [
        (True, True, ()),
        (True, False, ("rds_replication",)),
        (False, True, ("rds_superuser",)),
        (None, None, ("rds_replication", "rds_superuser")),
    ],
)
def test_the_memberships_that_are_missing(superuser, replication, lacks):
    state = RoleState(
        can_login=True,
        in_rds_replication=replication,
        in_rds_superuser=superuser,
        can_connect=True,
        has_artifacts_schema=True,
        can_use_artifacts_schema=True,
        admin_is_member=True,
        on_rds=True,
    )

    assert state.lacks() == lacks


@pytest.mark.parametrize(
    ("code", "wrong"), [(None, False), ("28P01", True), ("28000", True), ("3D000", False), ("53300", False)]
)
def test_a_password_is_set_only_where_that_helps(code, wrong):
    assert login_is_wrong(code) is wrong


def test_grants_are_told_by_schema_and_counted():
    grants = [MissingGrant(schema="shop", name=None, owner="a")]
    grants += [MissingGrant(schema="shop", name=f"t{number}", owner="a") for number in range(7)]
    grants += [MissingGrant(schema="crm", name="people", owner="b")]

    assert describe_grants(grants, "dms") == (
        "granted USAGE on 1 schema (shop) to dms",
        "granted SELECT on 1 table (people) of crm to dms",
        "granted SELECT on 7 tables (t0, t1, t2, t3, t4, …) of shop to dms",
    )
    assert "as their owners (a, b)" in refuse_ungranted(grants, "dms").next
