"""The canary: DDL as every role that can make tables, seen in the audit, and gone."""

from __future__ import annotations

import pytest
from airflow.sdk.exceptions import AirflowFailException
from psycopg import sql

from pg_cdc.failures import NotYet
from pg_cdc.operators.source.bootstrap import (
    CanaryDdlOperator,
    EnsureDmsRoleOperator,
    InstallDdlAuditOperator,
    InstallPglogicalOperator,
)

NASTY = 'a"; DROP TABLE x; --'


@pytest.fixture
def audited(source):
    source.run(EnsureDmsRoleOperator)
    source.run(InstallDdlAuditOperator)
    return source


def tried(told) -> set[str]:
    return {trial for trial in told["facts"]["tried"] if not trial.startswith("postgres ")}


def test_every_role_is_tried_in_the_schemas_of_the_migration(audited):
    other = audited.make_role(f"other_{audited.app}")
    audited.make_schema("elsewhere", other)
    with audited.admin() as conn:
        conn.execute(sql.SQL("GRANT USAGE, CREATE ON SCHEMA shop TO {}").format(sql.Identifier(other)))

    told = audited.run(CanaryDdlOperator)

    assert {f"{audited.app} in shop", f"{other} in shop"} <= tried(told)
    assert f"{other} in elsewhere" not in tried(told)


def test_it_leaves_nothing_behind(audited, mutating_calls):
    with audited.admin() as conn:
        members = conn.execute("SELECT count(*) FROM pg_auth_members").fetchone()
    with audited.nothing_written(), mutating_calls() as calls:
        told = audited.run(CanaryDdlOperator)

    assert told["changes"] == []
    assert calls == []
    with audited.admin() as conn:
        assert conn.execute("SELECT count(*) FROM pg_class WHERE relname LIKE 'pgcdc%'").fetchone() == (0,)
        assert conn.execute("SELECT count(*) FROM pg_auth_members").fetchone() == members


@pytest.mark.parametrize("name", [NASTY, "Ünïcödé 表", "y" * 63, "MixedCase", "100%", "{role}"])
def test_roles_and_schemas_of_any_name_are_tried(audited, name):
    role = audited.make_role(f"{name[:40]}{audited.app[-8:]}")
    audited.make_schema(name, role)
    rules = {"rules": [{"schema": name, "table": "%"}, {"schema": "shop", "table": "%"}]}
    audited.run(EnsureDmsRoleOperator, tables=rules)

    assert f"{role} in {name}" in tried(audited.run(CanaryDdlOperator, tables=rules))


def test_a_schema_of_the_roles_own_name_is_reached_by_the_default_path(audited):
    audited.make_schema(audited.app, audited.app)
    rules = {"rules": [{"schema": "app[_]%", "table": "%"}]}
    audited.run(EnsureDmsRoleOperator, tables=rules)

    assert f"{audited.app} in {audited.app}" in tried(audited.run(CanaryDdlOperator, tables=rules))


def test_a_role_without_login_is_tried_too(audited):
    with audited.admin() as conn:
        conn.execute(sql.SQL("ALTER ROLE {} NOLOGIN").format(sql.Identifier(audited.app)))

    assert f"{audited.app} in shop" in tried(audited.run(CanaryDdlOperator))


def test_a_schema_that_is_logged_wrongly_is_a_failure_that_says_how_to_cure_it(audited):
    with audited.admin() as conn:
        conn.execute(sql.SQL("REVOKE USAGE ON SCHEMA shop FROM {}").format(sql.Identifier(audited.dms)))

    with pytest.raises(AirflowFailException) as failure:
        audited.run(CanaryDdlOperator)

    assert f"DDL as {audited.app} in schema shop is logged for schema ''" in str(failure.value)
    assert f'GRANT USAGE ON SCHEMA … TO "{audited.dms}"' in str(failure.value)


def test_a_role_whose_ddl_breaks_is_named_with_its_sqlstate_and_the_cure(audited):
    with audited.admin() as conn:
        conn.execute(
            sql.SQL("REVOKE ALL ON dms_replication.awsdms_ddl_audit FROM {}").format(sql.Identifier(audited.dms))
        )

    with pytest.raises(AirflowFailException) as failure:
        audited.run(CanaryDdlOperator)

    assert f"CREATE TABLE as {audited.app} in schema shop fails with 42501" in str(failure.value)


def test_pglogical_installed_by_hand_is_found_out(audited):
    with audited.admin() as conn:
        conn.execute("CREATE EXTENSION pglogical")
    audited.run(InstallPglogicalOperator)

    with pytest.raises(AirflowFailException) as failure:
        audited.run(CanaryDdlOperator)

    assert (
        f"ALTER TABLE as {audited.app} in schema shop fails with 42501: permission denied for schema pglogical"
        in str(failure.value)
    )
    assert "GRANT USAGE ON SCHEMA pglogical" in str(failure.value)


def test_with_pglogical_of_ours_every_role_passes(audited):
    audited.run(InstallPglogicalOperator)

    assert f"{audited.app} in shop" in tried(audited.run(CanaryDdlOperator))


@pytest.mark.parametrize(
    "statement",
    [
        pytest.param("DROP EVENT TRIGGER awsdms_intercept_ddl", id="dropped"),
        pytest.param("ALTER EVENT TRIGGER awsdms_intercept_ddl DISABLE", id="disabled"),
    ],
)
def test_without_the_trigger_the_canary_does_not_sing(audited, statement):
    with audited.admin() as conn:
        conn.execute(statement)

    with pytest.raises(AirflowFailException, match="was logged 0 times instead of 3"):
        audited.run(CanaryDdlOperator)


def test_somebody_elses_trigger_that_breaks_ddl_is_seen(audited):
    with audited.admin() as conn:
        conn.execute(
            "CREATE FUNCTION public.no() RETURNS event_trigger LANGUAGE plpgsql AS"
            " 'BEGIN IF session_user <> current_user THEN"
            " RAISE EXCEPTION ''not here'' USING ERRCODE = ''P4242''; END IF; END'"
        )
        conn.execute(
            "CREATE EVENT TRIGGER zzz ON ddl_command_end WHEN TAG IN ('DROP TABLE') EXECUTE FUNCTION public.no()"
        )

    with pytest.raises(AirflowFailException, match=r"DROP TABLE as .* fails with P4242: not here"):
        audited.run(CanaryDdlOperator)


def test_a_role_that_the_admin_cannot_become_is_no_pass(audited, admin_conn):
    with audited.admin() as conn:
        conn.execute(f"CREATE ROLE {audited.app}_admin LOGIN IN ROLE rds_superuser PASSWORD 'x-Passw0rd'")
    admin_conn(audited.server, "pg_cdc_source", login=f"{audited.app}_admin", password="x-Passw0rd")

    with pytest.raises(AirflowFailException) as failure:
        audited.run(CanaryDdlOperator)

    assert f"SET ROLE as {audited.app} in schema shop fails with 42501" in str(failure.value)
    assert "make the admin a member of the role" in str(failure.value)


def test_an_admin_that_is_no_member_becomes_one_only_for_the_trial(audited, admin_conn):
    admin = f"{audited.app}_admin"
    with audited.admin() as conn:
        conn.execute(f"CREATE ROLE {admin} LOGIN CREATEROLE IN ROLE rds_superuser PASSWORD 'x-Passw0rd'")
    admin_conn(audited.server, "pg_cdc_source", login=admin, password="x-Passw0rd")

    audited.run(CanaryDdlOperator)

    with audited.admin() as conn:
        member = conn.execute("SELECT pg_has_role(%s, %s, 'MEMBER')", (admin, audited.app)).fetchone()
    assert member == (False,)


def test_a_lock_in_the_way_is_left_to_a_retry(audited, monkeypatch):
    monkeypatch.setattr("pg_cdc.hooks.patience.LOCK_SECONDS", 0.1)
    with audited.admin() as other, other.transaction():
        other.execute("LOCK TABLE dms_replication.awsdms_ddl_audit IN ACCESS EXCLUSIVE MODE")

        with pytest.raises(NotYet, match="55P03"):
            audited.run(CanaryDdlOperator)
