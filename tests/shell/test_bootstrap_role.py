"""The DMS role: made or reused, given its password unseen and the rights it needs, and nothing twice."""

from __future__ import annotations

import json
import logging
from concurrent.futures import ThreadPoolExecutor

import pytest
from airflow.sdk.exceptions import AirflowFailException
from psycopg import sql

from pg_cdc.failures import NotYet
from pg_cdc.operators.source.bootstrap import EnsureDmsRoleOperator
from tests.fix_bootstrap import DMS_PASSWORD


def one(conn, query, *values):
    with conn:
        return conn.execute(query, values).fetchone()[0]


def test_a_new_role_can_log_in_read_the_tables_and_owns_the_schema_of_the_audit(source):
    told = source.run(EnsureDmsRoleOperator)

    assert told["changes"] == [
        f"created role {source.dms}",
        f"granted rds_replication to {source.dms}",
        f"granted rds_superuser to {source.dms}",
        f"created schema dms_replication, owned by {source.dms}",
        f"granted USAGE on 1 schema (shop) to {source.dms}",
        f"granted SELECT on 2 tables (events, orders) of shop to {source.dms}",
    ]
    assert told["facts"] == {"role": source.dms, "schemas": ["shop"], "tables": 2}
    with source.login(source.dms, DMS_PASSWORD) as conn:
        assert conn.execute("SELECT count(*) FROM shop.orders").fetchone() == (0,)
        assert conn.execute("SELECT pg_has_role('rds_replication', 'MEMBER'), pg_has_role('rds_superuser', 'MEMBER')")
        owner = "SELECT pg_get_userbyid(nspowner) FROM pg_namespace WHERE nspname = 'dms_replication'"
        assert conn.execute(owner).fetchone() == (source.dms,)


def test_it_is_no_superuser_and_carries_our_mark(source):
    source.run(EnsureDmsRoleOperator)

    with source.admin() as conn:
        found = conn.execute(
            "SELECT rolsuper, shobj_description(oid, 'pg_authid') FROM pg_roles WHERE rolname = %s", (source.dms,)
        ).fetchone()
    assert found == (False, "pg-cdc:migration=shop")


def test_the_second_run_changes_and_writes_nothing(source, mutating_calls):
    source.run(EnsureDmsRoleOperator)

    with source.nothing_written(), mutating_calls() as calls:
        told = source.run(EnsureDmsRoleOperator)

    assert told["changes"] == []
    assert told["warnings"] == []
    assert calls == []


def test_a_table_made_later_is_granted_by_the_next_run(source):
    source.run(EnsureDmsRoleOperator)
    with source.login(source.app) as conn:
        conn.execute('CREATE TABLE shop."Ünïcode; drop table x; --" (id integer)')

    told = source.run(EnsureDmsRoleOperator)

    assert told["changes"] == [f"granted SELECT on 1 table (Ünïcode; drop table x; --) of shop to {source.dms}"]


@pytest.mark.parametrize(
    "schema",
    [
        pytest.param('a"; DROP TABLE x; --', id="quotes-and-a-statement"),
        pytest.param("Ünïcödé 表", id="not-ascii"),
        pytest.param("x" * 63, id="63-bytes"),
        pytest.param("MixedCase", id="mixed-case"),
        pytest.param("100%", id="percent"),
        pytest.param("{role}", id="braces"),
    ],
)
def test_any_name_of_a_schema_is_granted(source, schema):
    source.make_schema(schema, source.app)
    with source.login(source.app) as conn:
        conn.execute(sql.SQL("CREATE TABLE {} (id integer)").format(sql.Identifier(schema, schema)))
    rules = {"rules": [{"schema": schema, "table": "%", "action": "include"}]}

    told = source.run(EnsureDmsRoleOperator, tables=rules)

    assert told["facts"]["schemas"] == [schema]
    with source.login(source.dms, DMS_PASSWORD) as conn:
        query = sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(schema, schema))
        assert conn.execute(query).fetchone() == (0,)
    assert source.run(EnsureDmsRoleOperator, tables=rules)["changes"] == []


def test_a_schema_counts_before_it_has_tables(source):
    source.make_schema("shop_later", source.app)

    told = source.run(EnsureDmsRoleOperator, tables={"rules": [{"schema": "shop%", "table": "%"}]})

    assert told["facts"]["schemas"] == ["shop", "shop_later"]


def test_a_role_that_is_there_is_reused_and_gets_the_wanted_password_with_a_warning(source):
    source.make_role(source.dms)

    told = source.run(EnsureDmsRoleOperator)

    assert told["changes"][0] == f"set the password of role {source.dms}"
    assert "was there with another password (28P01)" in told["warnings"][0]
    source.login(source.dms, DMS_PASSWORD).close()


def test_a_role_with_the_wanted_password_keeps_it(source):
    with source.admin() as conn:
        conn.execute(
            sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(sql.Identifier(source.dms), sql.Literal(DMS_PASSWORD))
        )
        before = one(source.admin(), "SELECT rolpassword FROM pg_authid WHERE rolname = %s", source.dms)

    told = source.run(EnsureDmsRoleOperator)

    assert not [change for change in told["changes"] if "password" in change]
    assert one(source.admin(), "SELECT rolpassword FROM pg_authid WHERE rolname = %s", source.dms) == before


def test_a_role_that_may_not_log_in_may_afterwards(source):
    with source.admin() as conn:
        conn.execute(sql.SQL("CREATE ROLE {} NOLOGIN").format(sql.Identifier(source.dms)))

    source.run(EnsureDmsRoleOperator)

    source.login(source.dms, DMS_PASSWORD).close()


def test_the_audit_may_be_in_a_schema_of_somebody_else(source):
    told = source.run(EnsureDmsRoleOperator, dms_role={"artifacts_schema": "public"})

    assert f"granted USAGE and CREATE on schema public to {source.dms}" in told["changes"]
    assert source.run(EnsureDmsRoleOperator, dms_role={"artifacts_schema": "public"})["changes"] == []


def test_connect_is_granted_where_public_lost_it(source):
    with source.admin() as conn:
        conn.execute(sql.SQL("REVOKE CONNECT ON DATABASE {} FROM PUBLIC").format(sql.Identifier(source.name)))

    told = source.run(EnsureDmsRoleOperator)

    assert f"granted CONNECT on {source.name} to {source.dms}" in told["changes"]


def test_the_password_is_in_no_log(source, sandbox, caplog, capfd):
    with source.admin() as conn:
        conn.execute(sql.SQL("ALTER DATABASE {} SET log_statement = 'all'").format(sql.Identifier(source.name)))
    caplog.set_level(logging.DEBUG)

    told = source.run(EnsureDmsRoleOperator)

    server_log = sandbox.rds.instances["bootstrap"].server.log_file.read_text(errors="replace")
    out, err = capfd.readouterr()
    assert f'CREATE ROLE "{source.dms}"' in server_log
    for place in (server_log, caplog.text, out, err, json.dumps(told)):
        assert DMS_PASSWORD not in place


def test_the_password_is_in_no_other_sessions_view(source):
    source.run(EnsureDmsRoleOperator)

    with source.admin() as conn:
        seen = conn.execute("SELECT count(*) FROM pg_stat_activity WHERE query LIKE %s", (f"%{DMS_PASSWORD}%",))
        # Only this very question contains it, and the question is asked with a bound value.
        assert seen.fetchone() == (0,)


def test_a_password_for_another_login_is_refused_before_anything_is_made(source):
    source.set_connection("pg_cdc_dms_role", login="somebody_else", password=DMS_PASSWORD)

    with pytest.raises(AirflowFailException, match="login somebody_else in connection pg_cdc_dms_role"):
        source.run(EnsureDmsRoleOperator)

    assert one(source.admin(), "SELECT count(*) FROM pg_roles WHERE rolname = %s", source.dms) == 0


def test_rights_that_the_admin_cannot_grant_are_named_with_their_owner(source, admin_conn):
    with source.admin() as conn:
        conn.execute(f"CREATE ROLE {source.app}_admin LOGIN CREATEROLE IN ROLE rds_superuser PASSWORD 'x-Passw0rd'")
        conn.execute(f"GRANT CREATE ON DATABASE {source.name} TO {source.app}_admin")
        conn.execute("GRANT USAGE ON SCHEMA shop TO PUBLIC")
        conn.execute("GRANT SELECT ON shop.orders TO PUBLIC")
        conn.execute(f"GRANT UPDATE ON shop.events TO {source.app}_admin")
    admin_conn(source.server, "pg_cdc_source", login=f"{source.app}_admin", password="x-Passw0rd")

    with pytest.raises(AirflowFailException) as failure:
        source.run(EnsureDmsRoleOperator)

    assert "no SELECT on 1 table (events) of shop" in str(failure.value)
    assert f"as their owners ({source.app})" in str(failure.value)


def test_a_lock_in_the_way_is_left_to_a_retry(source, monkeypatch):
    monkeypatch.setattr("pg_cdc.hooks.patience.LOCK_SECONDS", 0.1)
    monkeypatch.setattr("pg_cdc.hooks.patience.ADVISORY_KEY", 4711)
    with source.admin() as other, other.transaction():
        other.execute("SELECT pg_advisory_xact_lock(4711)")

        with pytest.raises(NotYet, match="55P03"):
            source.run(EnsureDmsRoleOperator)


def test_runs_at_the_same_time_end_in_one_role(source):
    with ThreadPoolExecutor(4) as pool:
        told = list(pool.map(lambda _: source.run(EnsureDmsRoleOperator), range(4)))

    assert sum(f"created role {source.dms}" in one["changes"] for one in told) == 1
    assert sum(bool(one["changes"]) for one in told) == 1
