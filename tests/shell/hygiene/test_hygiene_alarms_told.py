"""People are told once of each change of an alarm: of a slot on the source, and of one on a read replica of it."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from pg_cdc.decisions.slots.world import SlotRow
from pg_cdc.failures import NotYet
from pg_cdc.hooks.slots.book import SlotBook
from pg_cdc.hooks.slots.books import FAR
from tests.decisions.slots.slot_facts import server
from tests.fix_sandbox import wait_available
from tests.shell.hygiene.conftest import NOTIFIER
from tests.shell.hygiene.hygiene_run import HygieneRun
from tests.shell.hygiene.recording_notifier import RecordingNotifier

pytestmark = pytest.mark.usefixtures("no_spec_files")

READER = "watched-reader"
AN_HOUR_EARLIER = """
update pgcdc.slot_observation set observed_at = observed_at - interval '1 hour', wal_lsn = wal_lsn - 1000000
"""
EVERYTHING_ALARMS = {"alarm_hours": 1e9, "watch_hours": 1e9}
NOTHING_ALARMS = {"alarm_hours": 1e-9, "watch_hours": 1e-9}


@pytest.fixture
def growing(watched, params):
    """A slot whose server is known to write WAL: an observation of an hour ago is further back."""
    name = watched.make_slot()
    HygieneRun(params).look()
    with watched.on_source("postgres") as conn:
        conn.execute(AN_HOUR_EARLIER)
    watched.write_wal()
    return name


def tell(params: dict[str, Any]) -> Any:
    run = HygieneRun(params)
    run.look()
    return run.tell()


def test_an_alarm_is_told_once_and_its_easing_once(growing, params, notified):
    first = tell(params | EVERYTHING_ALARMS)
    again = tell(params | EVERYTHING_ALARMS)
    eased = tell(params | NOTHING_ALARMS)
    quiet = tell(params | NOTHING_ALARMS)

    assert [len(done["changes"]) for done in (first, again, eased, quiet)] == [1, 0, 1, 0]
    raised, after = notified
    assert raised.startswith(f"Replication slot watched/{growing}: alarm | ")
    assert after.startswith(f"Replication slot watched/{growing}: watch | ")
    assert "(was alarm)" in after


def test_an_alarm_that_could_not_be_told_is_told_by_the_next_try(growing, params, notified):
    run = HygieneRun(params | EVERYTHING_ALARMS)
    run.look()
    RecordingNotifier.broken.append(growing)
    with pytest.raises(NotYet, match="the pager is down"):
        run.tell()
    RecordingNotifier.broken.clear()

    done = run.tell()

    assert len(done["changes"]) == 1
    assert len(notified) == 1


def test_one_alarm_that_fails_leaves_those_told_before_it_told(growing, watched, params, notified):
    other = watched.make_slot("a_first_slot")
    HygieneRun(params).look()
    run = HygieneRun(params | EVERYTHING_ALARMS)
    run.look()
    RecordingNotifier.broken.append(growing)
    with pytest.raises(NotYet):
        run.tell()
    RecordingNotifier.broken.clear()

    run.tell()

    assert sorted(message.split(":")[0] for message in notified) == sorted(
        [f"Replication slot watched/{other}", f"Replication slot watched/{growing}"]
    )


def test_an_alarm_of_a_slot_that_is_gone_is_over(growing, watched, params, notified):
    tell(params | EVERYTHING_ALARMS)
    with watched.on_source() as conn:
        conn.execute("select pg_drop_replication_slot(%s)", (growing,))

    done = tell(params | EVERYTHING_ALARMS)

    assert "no longer there" in done["changes"][0]
    assert notified[-1].startswith(f"Replication slot watched/{growing}: well again | ")
    assert tell(params | EVERYTHING_ALARMS)["changes"] == []


def test_without_a_notifier_the_report_says_that_nobody_was_told_and_one_named_later_is(growing, params, monkeypatch):
    done = tell(params | EVERYTHING_ALARMS)

    assert "nobody is told" in done["warnings"][0]
    monkeypatch.setenv("AIRFLOW_VAR_PG_CDC_NOTIFIERS", json.dumps([NOTIFIER]))
    assert len(tell(params | EVERYTHING_ALARMS)["changes"]) == 1
    RecordingNotifier.told.clear()


def test_while_another_run_is_at_work_telling_is_tried_again_later(growing, watched, params, notified):
    run = HygieneRun(params | EVERYTHING_ALARMS)
    run.look()

    with watched.on_source("postgres") as conn:
        assert SlotBook(conn).try_lock()
        with pytest.raises(NotYet, match="another run"):
            run.tell()

    assert notified == []


@pytest.fixture(scope="module")
def replica(hygiene_servers, sandbox) -> Iterator[None]:
    rds = sandbox.client("rds")
    rds.create_db_instance_read_replica(DBInstanceIdentifier=READER, SourceDBInstanceIdentifier="watched")
    wait_available(sandbox, READER)
    yield
    rds.delete_db_instance(DBInstanceIdentifier=READER, SkipFinalSnapshot=True)


@pytest.fixture
def reader(replica, watched, params) -> Iterator[dict[str, Any]]:
    """Params of a run that looks at a read replica only, where somebody left a slot."""
    with watched.source.connect_member(READER) as conn:
        conn.execute("select pg_create_physical_replication_slot('left_behind', true)")
        yield params | {"sources": [{"identifier": READER, "database": watched.database}]}
        conn.execute("select pg_drop_replication_slot('left_behind')")


def deserted(name: str) -> SlotRow:
    return SlotRow(name=name, slot_type="physical", active=False, restart_lsn=1)


def replayed(watched) -> None:
    """Wait until the replica has what its source has written."""
    with watched.on_source() as source, watched.source.connect_member(READER) as replica:
        (written,) = source.execute("select pg_current_wal_lsn()").fetchone()
        ends = time.monotonic() + 30
        while not replica.execute("select pg_last_wal_replay_lsn() >= %s::pg_lsn", (written,)).fetchone()[0]:
            assert time.monotonic() < ends
            time.sleep(0.05)


def test_a_slot_on_a_read_replica_is_told_of_and_the_books_on_it_are_on_its_primary(reader, watched, notified):
    HygieneRun(reader).look()
    with watched.on_source("postgres") as conn:
        conn.execute(AN_HOUR_EARLIER)
    watched.write_wal()
    replayed(watched)

    first = tell(reader | EVERYTHING_ALARMS)
    replayed(watched)
    again = tell(reader | EVERYTHING_ALARMS)

    assert [len(done["changes"]) for done in (first, again)] == [1, 0]
    assert notified[0].startswith(f"Replication slot {READER}/left_behind: alarm | ")
    with watched.on_source("postgres") as conn:
        assert SlotBook(conn, READER).watches()["left_behind"].severity == "alarm"
        assert SlotBook(conn).watches() == {}


def test_a_run_on_a_read_replica_says_where_it_writes_and_drops_nothing(reader, watched):
    run = HygieneRun(reader)
    (done,) = run.look()

    assert (done["warnings"], done["facts"]["acts"]) == ([], False)
    assert [slot["slot"]["name"] for slot in done["facts"]["report"]["slots"]] == ["left_behind"]
    assert done["changes"][0] == "created table pgcdc.slot_watch in database postgres of its primary"
    assert run.drop()["facts"]["drops"] == []


def test_a_connection_with_the_host_of_the_primary_is_not_the_way_to_its_replica(reader, watched, monkeypatch):
    of_primary = watched.make_slot()
    tunnel = json.loads(os.environ["AIRFLOW_CONN_PG_CDC_SOURCE"]) | {"host": "localhost", "port": watched.source.port}
    monkeypatch.setenv("AIRFLOW_CONN_PG_CDC_SOURCE", json.dumps(tunnel))

    (done,) = HygieneRun(reader).look()

    seen = [slot["slot"]["name"] for slot in done["facts"]["report"]["slots"]]
    assert (seen, of_primary in seen) == (["left_behind"], False)
    assert done["facts"]["report"]["in_recovery"]


@pytest.mark.parametrize(
    ("slots", "told"),
    [
        pytest.param(("left_behind",), [FAR], id="a-slot-of-which-nobody-is-told"),
        pytest.param((), [], id="no-slot"),
    ],
)
def test_a_replica_whose_primary_is_in_another_region_is_looked_at_all_the_same(reader, monkeypatch, slots, told):
    monkeypatch.setattr("pg_cdc.hooks.slots.books.read_primary", lambda migration: None)
    facts = replace(server(), in_recovery=True, slots=tuple(map(deserted, slots)), owners={}, looks={})
    monkeypatch.setattr("pg_cdc.facts.slots.server.read_source_facts", lambda migrations: facts)

    (done,) = HygieneRun(reader).look()

    assert (done["warnings"], done["changes"], done["facts"]["alarms"]) == (told, [], [])
    assert done["facts"]["report"]["error"] == ""
