"""The steps around the load: looking, planning, refusing, reporting; and loads under a writing application."""

from __future__ import annotations

import json
import random
import threading
from dataclasses import replace

import psycopg
import pytest
from airflow.sdk.exceptions import AirflowFailException

from pg_cdc.decisions.slots.world import Owner, OwnerKind, OwnerState
from pg_cdc.facts.slots.owners import look_for_owner
from pg_cdc.facts.streaming import read_ledger
from pg_cdc.operators.native import keeper as native_keeper
from pg_cdc.operators.native.indexes import BuildIndexesOperator
from pg_cdc.operators.native.inspect import NativeInspectOperator, NativePlanOperator, NativePreflightOperator
from pg_cdc.operators.native.keeper import KeepSnapshotOperator
from pg_cdc.operators.native.load import LoadTablesOperator
from pg_cdc.operators.native.prepare import CopySchemaOperator, EnsurePublicationOperator, EnsureSubscriptionOperator
from pg_cdc.operators.native.report import NativeReportOperator
from pg_cdc.operators.native.stream import EnableSubscriptionOperator
from pg_cdc.operators.native.teardown import DropSubscriptionOperator, RemoveNativeObjectsOperator
from pg_cdc.operators.teardown.sql import DropSlotOperator
from tests.cases import all_but_exhaustive
from tests.shell.native.comparing import eventually, unequal
from tests.shell.native.conftest import PREPARE, Pair


class Writer(threading.Thread):
    """An application that writes to every table until it is stopped."""

    def __init__(self, pair: Pair, seed: int) -> None:
        super().__init__(daemon=True)
        self.pair, self.random, self.over, self.written = pair, random.Random(seed), threading.Event(), 0
        self.refused: list[str] = []

    def run(self) -> None:
        with self.pair.on_source() as conn:
            while not self.over.is_set():
                try:
                    conn.execute(self.random.choice(WRITES), {"i": self.random.randint(1, 3000)})
                    self.written += 1
                except psycopg.errors.IntegrityError as err:
                    self.refused.append(str(err))

    def stop(self) -> None:
        self.over.set()
        self.join(10)


WRITES = (
    "update shop.customers set credit = credit + 1, tags = array_append(tags, 'x') where id = %(i)s",
    "insert into shop.orders (id, placed, customer_id, total) select coalesce(max(id), 0) + 1, '2026-07-07', 1, %(i)s"
    " from shop.orders",
    "update shop.orders set placed = '2026-03-03' where id = %(i)s and placed > '2026-09-01'",
    "delete from shop.orders where id = %(i)s",
    "insert into shop.clicks values (now(), '/w', %(i)s)",
    "delete from shop.clicks where ctid in (select ctid from shop.clicks where millis = %(i)s limit 1)",
    "update shop.clicks set path = path || 'x' where millis = %(i)s",
    "update shop.parcels set weight = %(i)s, history = history || 'returned'::shop.state where id = %(i)s %% 500",
    'delete from shop."Rück""gaben" where "Nr" = %(i)s',
    'insert into shop."Rück""gaben" values (%(i)s + 1000, 1, null) on conflict do nothing',
)


@pytest.mark.parametrize("seed", all_but_exhaustive(range(3), {0}))
def test_both_ends_are_equal_after_a_load_under_a_writing_application(pair, seed):
    writer = Writer(pair, seed)
    writer.start()
    try:
        pair.migrate()
    finally:
        writer.stop()

    assert writer.written > 100 and not writer.refused
    assert unequal(pair) == []


def test_looking_and_planning_change_nothing_and_say_what_will_be_made(pair, mutating_calls):
    with mutating_calls() as calls:
        inspected = pair.run(NativeInspectOperator)
        checked = pair.run(NativePreflightOperator)
        planned = pair.run(NativePlanOperator)

    assert calls == [] and not any(said["changes"] for said in (inspected, checked, planned))
    assert inspected["facts"]["selected_tables"] == 6 and inspected["facts"]["loaded"] is False
    assert any(row["code"] == "engine_advice" for row in checked["facts"]["findings"])
    assert "publication pg_cdc_" in planned["facts"]["markdown"] and "shop.clicks" in planned["facts"]["markdown"]


def test_a_table_without_a_key_is_refused_before_the_application_s_updates_fail(pair):
    with pytest.raises(AirflowFailException, match=r"keyless_tables.*shop\.clicks"):
        pair.run(NativePreflightOperator, native={"keyless_tables": "refuse"})
    pair.run(PREPARE[0])
    with pytest.raises(AirflowFailException, match=r"shop\.clicks"):
        pair.run(EnsurePublicationOperator, native={"keyless_tables": "refuse"})

    with pair.on_source() as conn:
        assert conn.execute("select count(*) from pg_publication").fetchone() == (0,)
        conn.execute("update shop.clicks set millis = 0 where millis = 1")


def test_a_keyless_table_with_a_type_that_cannot_be_compared_is_refused(pair):
    with pair.on_source() as conn:
        conn.execute("create table shop.answers (answer json, at point)")

    with pytest.raises(AirflowFailException, match=r"keyless_and_uncomparable.*shop\.answers"):
        pair.run(NativePreflightOperator)


@pytest.mark.parametrize(
    "kind",
    [
        pytest.param(
            "create table shop.t (id int, a text, b varchar(5), c uuid, d jsonb, e int[], f inet)", id="comparable"
        ),
        pytest.param(
            "create table shop.t (id int, a shop.state, b shop.email, c bytea, d char(3), e daterange)", id="own"
        ),
    ],
)
def test_types_that_can_be_compared_are_not_refused(pair, kind):
    with pair.on_source() as conn:
        conn.execute(kind)

    pair.run(NativePreflightOperator)


def test_a_table_that_the_target_has_already_is_refused_and_left_alone(pair):
    pair.run_all(PREPARE[:2])
    with pair.on_target() as conn:
        conn.execute("create schema shop")
        conn.execute("create table shop.customers (id int)")
        conn.execute("insert into shop.customers values (1)")

    with pytest.raises(AirflowFailException, match=r"not made by this migration: shop\.customers"):
        pair.run(CopySchemaOperator)

    with pair.on_target() as conn:
        assert conn.execute("select * from shop.customers").fetchall() == [(1,)]


def test_publication_and_subscription_of_somebody_else_are_refused(pair):
    name = "pg_cdc_" + pair.migration["name"].replace("-", "_")
    pair.run(PREPARE[0])
    with pair.on_source() as conn:
        conn.execute(f"create publication {name}")

    with pytest.raises(AirflowFailException, match=r"publication pg_cdc_\w+ with the comment None"):
        pair.run(EnsurePublicationOperator)

    with pair.on_source() as conn:
        conn.execute(f"drop publication {name}")
    pair.run_all(PREPARE[1:3])
    with pair.on_target() as conn:
        conn.execute(
            f"create subscription {name} connection 'dbname=x' publication p with (connect = false, slot_name = none)"
        )

    with pytest.raises(AirflowFailException, match=r"subscription pg_cdc_\w+ with the comment None"):
        pair.run(EnsureSubscriptionOperator)


def test_a_table_selected_after_the_load_began_is_refused(pair):
    pair.run_all(PREPARE)
    pair.load()
    with pair.on_source() as conn:
        conn.execute("create table shop.late (id int primary key)")

    with pytest.raises(AirflowFailException, match=r"differ in shop\.late"):
        pair.run(EnsurePublicationOperator)


@pytest.mark.exhaustive
def test_an_index_that_was_being_built_when_the_step_died_is_built_by_the_next(pair):
    pair.run_all(PREPARE)
    pair.load()
    pair.run(BuildIndexesOperator)
    with pair.on_target() as conn:
        conn.execute("drop index shop.clicks_path_millis_idx")
        conn.execute("alter table shop.orders drop constraint orders_customer_id_fkey")

    said = pair.run(BuildIndexesOperator)

    assert len(said["changes"]) == 2
    assert pair.run(BuildIndexesOperator)["changes"] == []


def test_a_slot_that_was_moved_on_is_not_streamed_from(pair):
    pair.run_all(PREPARE)
    pair.load()
    pair.run(BuildIndexesOperator)
    with pair.on_source() as conn:
        conn.execute("insert into shop.clicks values (now(), '/lost', 1)")
        conn.execute("select pg_replication_slot_advance(%s, pg_current_wal_lsn())", (pair.slots()[0],))

    with pytest.raises(AirflowFailException, match="has confirmed"):
        pair.run(EnableSubscriptionOperator)


@pytest.mark.exhaustive
def test_two_databases_of_one_server_do_not_hang(pair):
    there = f"copy_{pair.name}"
    with pair.source.connect(dbname="postgres") as conn:
        conn.execute(f"create database {there}")
    same = replace(pair, target=pair.source, migration=pair.spec(target={"identifier": "native-source"}))
    same.migration["target"]["database"] = there
    same.migration = {**same.migration, "name": pair.migration["name"] + "-s"}
    try:
        same.migrate()

        with pair.source.connect(dbname=there) as conn:
            assert conn.execute("select count(*) from shop.customers").fetchone() == (2000,)
    finally:
        same.run_all((DropSubscriptionOperator, DropSlotOperator, RemoveNativeObjectsOperator))
        with pair.source.connect(dbname="postgres") as conn:
            conn.execute(f"drop database {there} with (force)")


def test_a_slot_that_waits_for_an_open_transaction_says_for_which(pair, monkeypatch, capfd):
    monkeypatch.setattr(native_keeper, "SAY_SECONDS", 0.2)
    pair.run_all(PREPARE)
    with pair.on_source(application_name="a batch") as conn, conn.transaction():
        conn.execute("insert into shop.clicks values (now(), '/batch', 1)")
        keeper = pair.begin(KeepSnapshotOperator)
        eventually(lambda: "began before it: a batch of postgres" in capfd.readouterr().out, "the reason")
    pair.run(LoadTablesOperator)
    keeper.join(30)

    assert not pair.failures
    with pair.on_target() as conn:
        assert conn.execute("select count(*) from shop.clicks where path = '/batch'").fetchone() == (1,)


def test_the_log_tells_tables_bytes_rate_and_rows(pair, capfd):
    pair.run_all(PREPARE)
    pair.load()

    log = capfd.readouterr().out
    assert "Loaded shop.customers: 2000 rows, " in log
    assert "7 of 8 tables, " in log and "/s" in log


@pytest.mark.exhaustive
def test_the_report_tells_slot_lag_origin_and_every_table(pair, tmp_path):
    pair.migrate()

    report = NativeReportOperator(task_id="report", migration=pair.migration, destination=str(tmp_path))
    result = report.result(report.spec({"params": {}}))

    assert result.unread == []
    assert result.slot["active"] and result.slot["lag_bytes"] is not None and result.slot["subscription"] == "applying"
    assert result.slot["applied_lsn"] and result.marker["seconds"] >= 0
    assert {row["table"]: row["state"] for row in result.tables}["orders_h1"] == "loaded"
    assert all(row["source_rows"] == row["target_rows"] for row in result.tables)
    assert json.dumps(result.tables)


def test_slot_hygiene_finds_the_owner_of_a_slot_that_nobody_reads_yet(pair):
    pair.run_all(PREPARE)
    migration = BuildIndexesOperator(task_id="x", migration=pair.migration).spec({"params": {}})
    keeper = pair.begin(KeepSnapshotOperator)
    (name,) = eventually(pair.slots, "the slot")

    with pair.on_source() as conn:
        (row,) = (row for row in read_ledger(conn) if row.slot_name == name)
        active = conn.execute("select active from pg_replication_slots where slot_name = %s", (name,)).fetchone()[0]
    owner = Owner(kind=OwnerKind(row.owner_kind), owner_id=row.owner_id, how=row.how)
    look = look_for_owner(migration, owner, slot=name)
    pair.run(LoadTablesOperator)
    keeper.join(30)

    assert not active and look.state is OwnerState.EXISTS
