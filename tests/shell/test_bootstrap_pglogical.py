"""pglogical is made where DMS is to use it, and no application loses its DDL by it."""

from __future__ import annotations

import psycopg
import pytest
from airflow.sdk.exceptions import AirflowFailException

from pg_cdc.operators.source.bootstrap import EnsureDmsRoleOperator, InstallPglogicalOperator
from tests.fix_bootstrap import DMS_PASSWORD


@pytest.fixture
def prepared(source):
    source.run(EnsureDmsRoleOperator)
    return source


@pytest.fixture
def without_pglogical(prepared, make_instance):
    """The same spec for a server where it is not preloaded."""
    server = make_instance(f"bare-{prepared.dms.replace('_', '-')}")
    prepared.migration["source"] = {"identifier": server.identifier, "database": server.database}
    prepared.server, prepared.name = server, server.database
    return prepared


def test_it_makes_the_extension_and_lets_the_dms_role_use_it(prepared):
    told = prepared.run(InstallPglogicalOperator)

    assert told["changes"] == [
        "created extension pglogical; PUBLIC may use its schema and call none of its functions",
        f"granted the use of pglogical to {prepared.dms}",
    ]
    assert told["facts"] == {"plugin": "pglogical", "version": "2.4.2"}
    with prepared.login(prepared.dms, DMS_PASSWORD) as conn:
        assert conn.execute("SELECT pglogical.pglogical_version_num() > 0").fetchone() == (True,)


def test_the_second_run_changes_and_writes_nothing(prepared, mutating_calls):
    prepared.run(InstallPglogicalOperator)

    with prepared.nothing_written(), mutating_calls() as calls:
        told = prepared.run(InstallPglogicalOperator)

    assert told["changes"] == []
    assert calls == []


DDL = (
    "CREATE TABLE shop.made (id integer PRIMARY KEY, note text)",
    "CREATE INDEX made_note ON shop.made (note)",
    "DROP INDEX shop.made_note",
    "ALTER TABLE shop.made DROP COLUMN note",
    "DROP TABLE shop.made",
)


def test_an_applications_role_can_drop_what_it_made(prepared):
    prepared.run(InstallPglogicalOperator)

    with prepared.login(prepared.app) as conn:
        for statement in DDL:
            conn.execute(statement)


def test_with_the_extension_alone_it_could_not(prepared):
    with prepared.admin() as conn:
        conn.execute("CREATE EXTENSION pglogical")

    with prepared.login(prepared.app) as conn:
        conn.execute(DDL[0])
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="schema pglogical"):
            conn.execute(DDL[4])


@pytest.mark.parametrize(
    "call",
    [
        "SELECT pglogical.drop_node('n')",
        "SELECT pglogical.create_replication_set('mine')",
        "SELECT pglogical.replicate_ddl_command('DROP TABLE shop.orders')",
        "SELECT * FROM pglogical.node",
    ],
)
def test_an_applications_role_can_do_nothing_with_it(prepared, call):
    prepared.run(InstallPglogicalOperator)

    with prepared.login(prepared.app) as conn, pytest.raises(psycopg.errors.InsufficientPrivilege):
        conn.execute(call)


def test_an_extension_that_is_there_is_left_as_it_is_but_for_the_dms_role(prepared):
    with prepared.admin() as conn:
        conn.execute("CREATE EXTENSION pglogical")

    told = prepared.run(InstallPglogicalOperator)

    assert told["changes"] == [f"granted the use of pglogical to {prepared.dms}"]


def test_with_test_decoding_nothing_is_made_and_it_is_said(prepared):
    told = prepared.run(InstallPglogicalOperator, replication={"plugin": "test_decoding"})

    assert told["changes"] == []
    assert told["facts"] == {"plugin": "test_decoding", "reason": "the spec says plugin test_decoding"}


def test_where_it_is_not_preloaded_auto_means_test_decoding(without_pglogical):
    told = without_pglogical.run(InstallPglogicalOperator)

    assert told["changes"] == []
    assert told["facts"]["reason"] == "pglogical is not in shared_preload_libraries"

    with pytest.raises(AirflowFailException, match=r"which replication\.plugin asks for"):
        without_pglogical.run(InstallPglogicalOperator, replication={"plugin": "pglogical"})
