"""A run looks, writes down, and drops the orphans past their grace: twice is no different from once."""

from __future__ import annotations

import json
import socket
import time
from datetime import timedelta

import pytest
from airflow.sdk.exceptions import AirflowFailException

from pg_cdc.decisions.slots.world import Owner, OwnerKind
from pg_cdc.hooks.slots.book import SlotBook
from pg_cdc.hooks.slots.books import BUSY
from tests.shell.hygiene.conftest import DMS_OWNER
from tests.shell.hygiene.hygiene_run import HygieneRun

pytestmark = pytest.mark.usefixtures("no_spec_files")


def names(watched) -> set[str]:
    return {slot.name for slot in watched.facts().slots}


def dropped(done) -> list[str]:
    return [line["slot"] for line in done["facts"]["drops"] if line["dropped"]]


def texts(done) -> str:
    return "\n".join(line["text"] for line in done["facts"]["drops"])


def test_a_server_without_slots_is_looked_at_and_not_written_to(watched, params):
    (done,) = HygieneRun(params).look()

    assert (done["changes"], done["facts"]["acts"]) == ([], False)
    with watched.on_source("postgres") as conn:
        assert conn.execute("select to_regnamespace('pgcdc')").fetchone() == (None,)


def test_the_books_are_made_once_and_the_owners_absence_noted_once(watched, params):
    name = watched.make_slot(owner=DMS_OWNER)

    (first,) = HygieneRun(params).look()
    (second,) = HygieneRun(params).look()

    assert any("slot_watch" in change for change in first["changes"])
    assert any(name in change for change in first["changes"])
    assert second["changes"] == []
    with watched.on_source("postgres") as conn:
        assert len(SlotBook(conn).history(0)[name]) == 2


def test_an_orphan_is_dropped_by_the_second_run_and_a_third_finds_nothing_to_do(watched, params):
    orphan, stranger = watched.make_slot(owner=DMS_OWNER), watched.make_slot()

    assert dropped(HygieneRun(params).act()) == []
    assert dropped(HygieneRun(params).act()) == [orphan]
    third = HygieneRun(params).act()

    assert third["changes"] == []
    assert names(watched) == {stranger}


def test_the_drop_run_twice_says_that_the_slot_is_gone_already(watched, params):
    name = watched.make_slot(owner=DMS_OWNER)
    HygieneRun(params).act()
    run = HygieneRun(params)
    run.act()

    again = run.drop()

    assert again["changes"] == []
    assert texts(again) == f"slot {name} is gone already"


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"dry_run": True}, id="dry-run"),
        pytest.param({"grace_seconds": 3600}, id="within-grace"),
        pytest.param({"protect": ["slot_*"]}, id="protected"),
    ],
)
def test_no_slot_is_dropped(watched, params, change):
    name = watched.make_slot(owner=DMS_OWNER)

    for _ in range(3):
        assert dropped(HygieneRun(params | change).act()) == []

    assert names(watched) == {name}


def test_a_slot_that_was_made_anew_after_the_decision_stays(watched, params):
    name = watched.make_slot(owner=DMS_OWNER)
    HygieneRun(params).act()
    run = HygieneRun(params)
    run.look()
    with watched.on_source() as conn:
        conn.execute("select pg_drop_replication_slot(%s)", (name,))
    watched.write_wal()
    watched.make_slot(name)

    done = run.drop()

    assert dropped(done) == []
    assert names(watched) == {name}
    assert "somebody else uses the slot" in texts(done)


def test_a_slot_that_is_read_after_the_decision_stays(watched, params):
    name = watched.make_slot(owner=DMS_OWNER)
    HygieneRun(params).act()
    run = HygieneRun(params)
    run.look()

    with watched.reading(name):
        done = run.drop()

    assert dropped(done) == []
    assert names(watched) == {name}


def test_a_run_that_is_cleared_long_after_it_looked_drops_nothing(watched, params):
    name = watched.make_slot(owner=DMS_OWNER)
    HygieneRun(params).act()
    run = HygieneRun(params, run_type="scheduled", ended=timedelta(seconds=5))
    run.look()
    run.run.data_interval_end -= timedelta(days=2)
    run.run.data_interval_start -= timedelta(days=2)

    done = run.drop()

    assert done["facts"]["drops"] == []
    assert names(watched) == {name}


def test_a_run_that_waited_a_day_for_its_answer_still_drops(watched, params):
    name = watched.make_slot(owner=DMS_OWNER)
    HygieneRun(params).act()
    run = HygieneRun(params, run_type="scheduled", ended=timedelta(seconds=5))
    run.look()
    run.run.data_interval_end -= timedelta(days=1)
    run.run.data_interval_start -= timedelta(days=1)
    run.ti.left["approve_drops"] = {"facts": {"approval": "approved"}, "seconds": 86400.0}
    run.ti.states["approve_drops"] = "success"

    assert dropped(run.drop()) == [name]


def test_a_second_run_at_the_same_time_only_reports(watched, params):
    name = watched.make_slot(owner=DMS_OWNER)
    HygieneRun(params).act()
    run = HygieneRun(params)
    run.look()

    with watched.on_source("postgres") as conn:
        assert SlotBook(conn).try_lock()
        (beside,) = HygieneRun(params).look()
        done = run.drop()

    assert beside["facts"]["acts"] is False
    assert beside["warnings"] == [BUSY]
    assert beside["changes"] == []
    assert [slot["slot"]["name"] for slot in beside["facts"]["report"]["slots"]] == [name]
    assert texts(done) == BUSY
    assert names(watched) == {name}


def test_what_a_subscription_taught_is_in_the_ledger_and_written_once(watched, params, monkeypatch):
    name = watched.make_slot(plugin="pgoutput")
    subscription = Owner(kind=OwnerKind.NATIVE_SUBSCRIPTION, owner_id="subscriber/shop/sub", how="seen there")
    monkeypatch.setattr("pg_cdc.facts.slots.server.learn_owners", lambda *_: {name: subscription})

    (first,) = HygieneRun(params).look()

    assert any("recorded the owner" in change for change in first["changes"])
    monkeypatch.undo()
    with watched.on_source() as conn:
        row = conn.execute("select owner_kind, owner_id from pgcdc.slot_owner where slot_name = %s", (name,)).fetchone()
    assert row == ("native-subscription", "subscriber/shop/sub")


def test_a_reader_is_ended_only_where_its_slot_is_named_in_full(watched, params):
    name = watched.make_slot()

    with watched.reading(name) as pid:
        HygieneRun(params).act()
        HygieneRun(params | {"terminate": [f"elsewhere/{name}"]}).act()
        HygieneRun(params | {"terminate": [f"{watched.source.identifier}/{name}"], "dry_run": True}).act()
        assert watched.slot(name).active_pid == pid
        done = HygieneRun(params | {"terminate": [f"{watched.source.identifier}/{name}"]}).act()

    assert texts(done) == f"session {pid} of slot {name} was told to end"


def test_an_interval_of_the_past_is_told_from_the_books_and_nothing_is_written(watched, params):
    name = watched.make_slot(owner=DMS_OWNER)
    HygieneRun(params).look()
    with watched.on_source("postgres") as conn:
        conn.execute("update pgcdc.slot_observation set observed_at = observed_at - interval '1 day'")
        before = SlotBook(conn).history(0)

    run = HygieneRun(params, run_type="backfill", ended=timedelta(hours=23, minutes=55))
    (done,) = run.look()

    report = done["facts"]["report"]
    assert (done["facts"]["acts"], done["changes"]) == (False, [])
    assert [slot["slot"]["name"] for slot in report["slots"]] == [name]
    assert report["slots"][0]["drop"] is False
    assert run.drop()["facts"]["drops"] == []
    with watched.on_source("postgres") as conn:
        assert SlotBook(conn).history(0) == before


def test_an_admin_who_may_not_write_still_sees_and_the_run_says_why_it_cannot_act(
    watched, params, admin_conn, tmp_path
):
    name = watched.make_slot(owner=DMS_OWNER)
    with watched.on_source("postgres") as conn:
        conn.execute("drop role if exists onlooker")
        conn.execute("create role onlooker login password 'a-mere-Passw0rd' in role pg_monitor")
    with watched.on_source() as conn:
        conn.execute("grant usage on schema pgcdc to onlooker; grant select on pgcdc.slot_owner to onlooker")
    admin_conn(watched.source, "pg_cdc_source", login="onlooker", password="a-mere-Passw0rd")
    run = HygieneRun(params)

    (done,) = run.look()

    report = done["facts"]["report"]
    assert [slot["slot"]["name"] for slot in report["slots"]] == [name]
    assert done["facts"]["acts"] is False
    assert "may not" in report["error"]
    with pytest.raises(AirflowFailException, match="its books could not be kept"):
        run.report(tmp_path)


def test_a_server_that_keeps_silent_costs_five_seconds_and_hides_no_other(watched, params, monkeypatch):
    name = watched.make_slot()
    with socket.create_server(("127.0.0.1", 0)) as silent:
        connection = {"conn_type": "postgres", "host": "127.0.0.1", "port": silent.getsockname()[1]}
        connection |= {"login": "postgres", "password": "unheard", "extra": {"sslmode": "disable"}}
        monkeypatch.setenv("AIRFLOW_CONN_SILENT", json.dumps(connection))
        other = {"identifier": watched.target.identifier, "admin_conn_id": "silent"}
        began = time.monotonic()
        dead, alive = HygieneRun(params | {"sources": [other, *params["sources"]]}).look()

    assert time.monotonic() - began < 10
    assert "no answer within 5 s" in dead["facts"]["report"]["error"]
    assert [slot["slot"]["name"] for slot in alive["facts"]["report"]["slots"]] == [name]
