"""Inspect, preflight and plan: what is wrong is said before anything is changed, and they change nothing themselves."""

from __future__ import annotations

import json

import pytest
from airflow.sdk.exceptions import AirflowFailException

from pg_cdc.failures import CdcFailure
from pg_cdc.operators.source.inspect import InspectSourceOperator, PlanOperator, PreflightOperator

SHOP = """
create schema shop;
create table shop.customers (id bigint primary key, name text);
create table shop.orders (id bigint, placed date, primary key (id, placed)) partition by range (placed);
create table shop.orders_2026 partition of shop.orders for values from ('2026-01-01') to ('2027-01-01');
create table shop.clicks (at timestamptz, page varchar(20));
insert into shop.customers select n, 'customer ' || n from generate_series(1, 50) as n;
"""
ROLE_PASSWORD = "app-dms-Passw0rd"
STEPS = {"inspect_source": InspectSourceOperator, "preflight": PreflightOperator, "plan": PlanOperator}


@pytest.fixture(scope="module")
def source(make_cluster):
    cluster = make_cluster("inspect-source", readers=1)
    with cluster.connect() as conn:
        conn.execute(SHOP)
    return cluster


@pytest.fixture(scope="module")
def target(make_cluster):
    return make_cluster("inspect-target")


@pytest.fixture
def spec(source, target, aws_conn, admin_conn, monkeypatch):
    """Return a function that gives the spec, changed by dotted keys."""
    admin_conn(source, "pg_cdc_source")
    admin_conn(target, "pg_cdc_target")
    login = {"conn_type": "postgres", "login": "app_dms", "password": ROLE_PASSWORD}
    monkeypatch.setenv("AIRFLOW_CONN_PG_CDC_DMS_ROLE", json.dumps(login))

    def make(**changes):
        given = {
            "name": "inspect",
            "source": {"identifier": "inspect-source", "database": "shop"},
            "target": {"identifier": "inspect-target", "database": "shop"},
            "replication": {"subnet_ids": ["subnet-a", "subnet-b"]},
        }
        for path, value in changes.items():
            section, _, key = path.partition("__")
            given.setdefault(section, {})[key] = value
        return given

    return make


def run(step: str, spec: dict) -> dict:
    return STEPS[step](task_id=step, migration=spec).execute({"params": {}})


def refusal(step: str, spec: dict) -> CdcFailure:
    with pytest.raises(AirflowFailException) as failed:
        run(step, spec)
    return failed.value.__cause__


@pytest.mark.parametrize("step", STEPS)
def test_a_step_before_the_plan_is_approved_changes_nothing(step, spec, mutating_calls):
    with mutating_calls() as calls:
        first, second = run(step, spec()), run(step, spec())

    assert first["changes"] == second["changes"] == []
    assert first["facts"] == second["facts"]
    assert calls == []


def test_inspection_tells_what_is_there(spec):
    facts = run("inspect_source", spec())["facts"]

    assert facts["engine"] == "aurora-postgresql"
    assert (facts["writer"], facts["readers"]) == ("inspect-source-1", ["inspect-source-2"])
    assert facts["settings"]["wal_level"] == "replica"
    assert [group["cluster"] for group in facts["parameter_groups"]] == [True, False]
    assert facts["selected_tables"] == 3
    assert facts["without_key"] == ["shop.clicks"]


def test_preflight_warns_of_a_table_without_a_key_and_goes_on(spec):
    done = run("preflight", spec())

    codes = [finding["code"] for finding in done["facts"]["findings"]]
    assert "table_without_key" in codes
    assert "default_parameter_group" in codes
    assert any("shop.clicks" in warning for warning in done["warnings"])


def test_the_plan_names_every_change(spec):
    facts = run("plan", spec())["facts"]

    changing = {row["name"] for row in facts["parameters"] if row["changes"]}
    told = "\n".join(facts["changes"])
    assert "rds.logical_replication" in changing
    for part in ("make the parameter group pg-cdc-inspect-source", "reboot the writer inspect-source-1"):
        assert part in told
    for part in ("reboot the reader inspect-source-2", "make the role app_dms", "pgcdc", "awsdms_ddl_audit"):
        assert part in told
    for part in ("make endpoint pg-cdc-inspect-source", "make replication task pg-cdc-inspect", "marker row"):
        assert part in told
    assert "| rds.logical_replication |" in facts["markdown"]


@pytest.mark.parametrize(
    ("kilobytes", "code"),
    [
        pytest.param(1, None, id="the-longest-name-has-room"),
        pytest.param(0, "lob_too_long", id="the-longest-name-would-be-cut"),
    ],
)
def test_preflight_measures_lobs_when_asked_and_the_plan_does_not_again(kilobytes, code, spec):
    lobs = {"TargetMetadata": {"LobMaxSize": kilobytes}}
    given = spec(replication__task_settings=lobs, replication__measure_lobs=True)
    given["replication"]["subnet_ids"] = ["subnet-a", "subnet-b"]

    if code is None:
        assert "lob" not in str(run("preflight", given)["facts"]["findings"])
        assert "lob_column" not in run("plan", given)["facts"]["markdown"]
    else:
        assert f"[{code}] shop.customers.name" in refusal("preflight", given).found


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        pytest.param({"source__identifier": "nowhere"}, "nowhere", id="unknown-cluster"),
        pytest.param({"target__identifier": "nowhere"}, "nowhere", id="unknown-target"),
        pytest.param({"source__database": "shoppe"}, "shoppe", id="database-that-does-not-exist"),
        pytest.param({"target__database": "shoppe"}, "shoppe", id="target-database-that-does-not-exist"),
        pytest.param({"source__admin_conn_id": "no_such_conn"}, "no_such_conn", id="no-such-connection"),
        pytest.param({"dms_role__conn_id": "no_such_conn"}, "no_such_conn", id="no-such-role-connection"),
        pytest.param({"name": "Not_A_Name"}, "Not_A_Name", id="illegal-name"),
        pytest.param({"tables__rules": []}, "[]", id="no-rules"),
        pytest.param({"tables__rules": [{"schema": "shop"}]}, "nothing", id="malformed-rule"),
        pytest.param({"target__identifier": "inspect-source"}, "the source itself", id="target-equal-to-source"),
    ],
)
def test_bad_input_is_refused_by_inspection(changes, found, spec, mutating_calls):
    given = spec(**{key: value for key, value in changes.items() if "__" in key})
    given.update({key: value for key, value in changes.items() if "__" not in key})
    with mutating_calls() as calls:
        failure = refusal("inspect_source", given)

    assert found in failure.found
    assert failure.expected
    assert failure.next
    assert calls == []


def test_a_wrong_admin_password_is_refused_by_inspection(spec, source, admin_conn):
    admin_conn(source, "pg_cdc_source", password="not-the-Passw0rd")

    failure = refusal("inspect_source", spec())

    assert "28P01" in failure.found
    assert "not-the-Passw0rd" not in str(failure)


def test_a_secret_that_does_not_exist_is_refused_by_inspection(spec):
    arn = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:none-abcdef"

    failure = refusal("inspect_source", spec(dms_role__secret_arn=arn, dms_role__secret_access_role_arn=ROLE_ARN))

    assert arn in failure.found


def test_a_secret_without_a_key_is_refused_by_inspection(spec, sandbox):
    secret = sandbox.client("secretsmanager").create_secret(
        Name="inspect-incomplete", SecretString=json.dumps({"username": "app_dms", "host": "h", "port": 1})
    )

    failure = refusal(
        "inspect_source", spec(dms_role__secret_arn=secret["ARN"], dms_role__secret_access_role_arn=ROLE_ARN)
    )

    assert "password" in failure.found


def test_a_secret_that_names_another_host_is_told(spec, sandbox):
    login = {"username": "app_dms", "password": ROLE_PASSWORD, "host": "elsewhere.example", "port": 5432}
    secret = sandbox.client("secretsmanager").create_secret(Name="inspect-other", SecretString=json.dumps(login))

    done = run("preflight", spec(dms_role__secret_arn=secret["ARN"], dms_role__secret_access_role_arn=ROLE_ARN))

    assert "secret_points_elsewhere" in [finding["code"] for finding in done["facts"]["findings"]]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        pytest.param(
            {"tables__rules": [{"schema": "shopp", "table": "%"}]}, "no_table_matches", id="rules-match-nothing"
        ),
        pytest.param({"safety__allow_reboot": False}, "reboot_not_allowed", id="reboot-not-allowed"),
        pytest.param({"tables__rules": [{"schema": "shop", "table": "%"}]}, "partitions_twice", id="partitions-twice"),
        pytest.param({"replication__instance_identifier": "none"}, "instance_not_found", id="no-such-instance"),
    ],
)
def test_preflight_refuses(changes, code, spec, mutating_calls):
    with mutating_calls() as calls:
        failure = refusal("preflight", spec(**changes))

    assert f"[{code}]" in failure.found
    assert calls == []


def test_a_reboot_alone_that_is_not_allowed_is_told_apart(spec):
    assert type(refusal("preflight", spec(safety__allow_reboot=False))).__name__ == "NotAllowed"


def test_an_admin_without_rds_superuser_is_refused(spec, source, admin_conn):
    with source.connect() as conn:
        conn.execute("create role weak login password 'weak-Passw0rd'")
        conn.execute("grant usage on schema shop to weak")
    admin_conn(source, "pg_cdc_source", login="weak", password="weak-Passw0rd")

    failure = refusal("preflight", spec())

    assert "[admin_not_rds_superuser]" in failure.found


def test_an_aurora_reader_as_source_is_refused(spec):
    failure = refusal("inspect_source", spec(source__identifier="inspect-source-2"))

    assert "inspect-source" in failure.next + failure.expected


def test_a_read_replica_as_source_is_refused(spec, sandbox, make_instance, admin_conn):
    primary = make_instance("inspect-primary")
    with primary.connect() as conn:
        conn.execute(SHOP)
    sandbox.client("rds").create_db_instance_read_replica(
        DBInstanceIdentifier="inspect-replica", SourceDBInstanceIdentifier="inspect-primary"
    )
    from tests.fix_sandbox import wait_available

    wait_available(sandbox, "inspect-replica")
    admin_conn(primary, "pg_cdc_source")

    failure = refusal("preflight", spec(source__identifier="inspect-replica"))

    assert "[replica_as_source]" in failure.found
    assert "inspect-primary" in failure.next

    failure = refusal("preflight", spec(source__identifier="inspect-primary", source__read_from="inspect-replica"))

    assert "[replica_too_old_to_decode]" in failure.found
    assert "DMS reads from inspect-primary" in failure.next


def test_a_dms_endpoint_that_is_not_ours_is_refused(spec, sandbox):
    sandbox.client("dms").create_endpoint(
        EndpointIdentifier="pg-cdc-taken-source",
        EndpointType="source",
        EngineName="aurora-postgresql",
        ServerName="localhost",
        Port=5432,
        Username="someone",
        Password="else-Passw0rd",
        DatabaseName="shop",
    )

    failure = refusal("preflight", {**spec(), "name": "taken"})

    assert "[not_ours]" in failure.found
    assert "pg-cdc-taken-source" in failure.found


ROLE_ARN = "arn:aws:iam::123456789012:role/dms-secrets"
