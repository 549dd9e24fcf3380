"""The other engine: pglogical makes the slot and copies, and the contract around it is the same."""

from __future__ import annotations

from pathlib import Path

import pytest
from airflow.sdk.exceptions import AirflowFailException

from pg_cdc.decisions.slots.world import Owner, OwnerKind, OwnerState
from pg_cdc.facts.slots.owners import look_for_owner
from pg_cdc.facts.streaming import read_ledger
from pg_cdc.operators.native.inspect import NativePlanOperator, NativePreflightOperator
from pg_cdc.operators.native.load import LoadTablesOperator
from pg_cdc.operators.native.report import NativeReportOperator
from tests.shell.native.comparing import unequal
from tests.shell.native.conftest import LOAD, LOGICAL, PREPARE, ROLE_PASSWORD, STREAM, make_pair, make_servers
from tests.shell.native.test_native_secrets import TALKATIVE

PRELOADED = {"shared_preload_libraries": "pglogical", "log_error_verbosity": "terse"}
FIT = """
alter table shop.clicks add nr bigint generated always as identity primary key;
alter table shop.orders drop column with_tax;
"""


@pytest.fixture(scope="session")
def pglogical_servers(sandbox, make_instance):
    return make_servers(sandbox, make_instance, "pglogical", {**LOGICAL, **PRELOADED})


@pytest.fixture
def pair(pglogical_servers, aws_conn, admin_conn, monkeypatch):
    """Its databases stay: with pglogical 2.4.2 preloaded a DROP DATABASE waits for ever."""
    made = make_pair(pglogical_servers, admin_conn, monkeypatch, "pglogical")
    made.migration["native"] = {"engine": "pglogical"}
    with made.on_source() as conn:
        conn.execute(FIT)
    yield made
    with made.on_target() as conn:
        if conn.execute("select to_regclass('pglogical.subscription')").fetchone() != (None,):
            conn.execute("select pglogical.drop_subscription(sub_name) from pglogical.subscription")


def test_a_whole_migration_streams_every_table_and_a_second_run_changes_nothing(pair, mutating_calls, tmp_path):
    pair.run_all((*PREPARE, *LOAD, *STREAM))
    with pair.on_source() as conn:
        conn.execute("update shop.parcels set weight = 5 where id > 400")
        conn.execute("delete from shop.clicks where millis is null")
        conn.execute("insert into shop.orders (id, placed, customer_id, total) values (100001, '2026-08-01', 5, 3)")

    assert unequal(pair) == []

    with mutating_calls() as calls:
        again = pair.run_all((*PREPARE, *LOAD, *STREAM))

    assert {name: said["changes"] for name, said in again.items() if said["changes"]} == {}
    assert calls == []
    report = NativeReportOperator(task_id="report", migration=pair.migration, destination=str(tmp_path))
    result = report.result(report.spec({"params": {}}))
    assert result.unread == []
    assert result.slot["active"] and result.slot["applied_lsn"] and result.slot["subscription"] == "applying"
    assert {row["state"] for row in result.tables} == {"loaded"}
    assert all(row["source_rows"] == row["target_rows"] for row in result.tables)
    assert owner_of_slot(pair, LoadTablesOperator(task_id="x", migration=pair.migration)) is OwnerState.EXISTS


def owner_of_slot(pair, step) -> OwnerState:
    (name,) = pair.slots()
    with pair.on_source() as conn:
        (row,) = (row for row in read_ledger(conn) if row.slot_name == name)
    owner = Owner(kind=OwnerKind(row.owner_kind), owner_id=row.owner_id, how=row.how)
    return look_for_owner(step.spec({"params": {}}), owner, slot=name).state


@pytest.fixture
def talkative(pair, sandbox) -> list[Path]:
    """Both servers log all that they can, but for what preflight refuses; their log files."""
    settings = {**TALKATIVE, "log_error_verbosity": "terse"}
    for server in (pair.source, pair.target):
        with server.connect() as conn:
            for name, value in settings.items():
                if not name.startswith("pg_stat_statements"):
                    conn.execute(f"alter system set {name} = '{value}'")
            conn.execute("select pg_reload_conf()")
    return [sandbox.rds.instances[f"pglogical-{end}"].server.log_file for end in ("source", "target")]


def test_no_password_is_in_a_log_even_when_the_source_is_not_reached(pair, talkative, capfd):
    pair.run_all(PREPARE[:3])
    with pair.on_source() as conn:
        conn.execute(f"alter role {pair.migration['dms_role']['name']} password 'another'")
    with pytest.raises(AirflowFailException, match="could not connect"):
        pair.run(PREPARE[3])
    with pair.on_source() as conn:
        conn.execute(f"alter role {pair.migration['dms_role']['name']} password '{ROLE_PASSWORD}'")
    pair.run_all((PREPARE[3], *LOAD, *STREAM))

    texts = [file.read_text(errors="replace") for file in talkative] + ["".join(capfd.readouterr())]
    secrets = (ROLE_PASSWORD, pair.target.password)
    found = [
        line for text in texts for line in text.splitlines()
        if any(one in line or one.encode().hex() in line for one in secrets) and "alter role" not in line
    ]  # fmt: skip
    assert "DO $create$" in texts[1], "the target did not log, so nothing was looked at"
    assert found == []


def test_preflight_refuses_a_target_that_would_log_passwords_and_tables_it_cannot_replicate(pair):
    with pair.on_source() as conn:
        conn.execute("alter table shop.clicks drop column nr")
        conn.execute("alter table shop.orders add with_tax numeric generated always as (total * 1.19) stored")
    with pair.target.connect() as conn:
        conn.execute("alter system set log_error_verbosity = 'default'")
        conn.execute("select pg_reload_conf()")
    try:
        with pytest.raises(AirflowFailException, match=r"(?s)pglogical_logs_passwords.*unfit_for_pglogical"):
            pair.run(NativePreflightOperator)
    finally:
        with pair.target.connect() as conn:
            conn.execute("alter system reset log_error_verbosity")
            conn.execute("select pg_reload_conf()")


def test_the_plan_says_what_pglogical_will_have(pair):
    text = pair.run(NativePlanOperator)["facts"]["markdown"]

    assert "extension pglogical on the source" in text and "replication set pg_cdc_" in text
    assert "session that holds its snapshot" not in text
