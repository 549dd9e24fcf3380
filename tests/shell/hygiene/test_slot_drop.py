"""A slot is dropped only as it was judged: whatever happened to it since, it stays."""

from __future__ import annotations

import threading
from contextlib import suppress
from dataclasses import replace

import psycopg
import pytest

from pg_cdc.decisions.slots.world import Owner, OwnerKind
from pg_cdc.failures import NotOurs
from pg_cdc.hooks.slots.book import learn
from pg_cdc.hooks.slots.drop import drop_on, drop_slot, terminate_backend
from tests.shell.hygiene.conftest import DMS_OWNER

ROUNDS = 60


@pytest.fixture
def orphan(watched) -> str:
    return watched.make_slot(owner=DMS_OWNER)


def drop(watched, slot, owner=DMS_OWNER):
    return drop_slot(watched.migration, "watched", slot, owner)


def slots(watched) -> set[str]:
    return {slot.name for slot in watched.facts().slots}


def test_an_orphan_is_dropped_and_a_second_time_there_is_nothing_to_do(watched, orphan):
    stranger = watched.make_slot()
    slot = watched.slot(orphan)

    first, second = drop(watched, slot), drop(watched, slot)

    assert (first.dropped, second.dropped) == (True, False)
    assert first.text == f"slot {orphan} dropped: dms-task {DMS_OWNER.owner_id} is gone"
    assert second.text == f"slot {orphan} not dropped: it is gone already"
    assert slots(watched) == {stranger}


def test_a_slot_that_is_read_again_stays(watched, orphan):
    slot = watched.slot(orphan)
    with watched.reading(orphan) as pid:
        result = drop(watched, slot)

    assert result.text == f"slot {orphan} not dropped: session {pid} reads it now"
    assert orphan in slots(watched)


def test_a_slot_that_moved_stays(watched, orphan):
    slot = watched.slot(orphan)
    watched.write_wal()
    with watched.on_source() as conn:
        conn.execute("select count(*) from pg_logical_slot_get_changes(%s, null, null)", (orphan,))

    result = drop(watched, slot)

    assert not result.dropped
    assert "confirmed_flush_lsn is" in result.text


@pytest.mark.parametrize("busy", [True, False], ids=["with-wal-between", "at-once-on-an-idle-server"])
def test_a_slot_made_anew_under_the_same_name_stays(watched, orphan, busy):
    slot = watched.slot(orphan)
    with watched.on_source() as conn:
        conn.execute("select pg_drop_replication_slot(%s)", (orphan,))
        if busy:
            watched.write_wal()
        conn.execute("select pg_create_logical_replication_slot(%s, 'test_decoding')", (orphan,))

    result = drop(watched, slot)

    assert not result.dropped
    assert "restart_lsn is" in result.text
    assert orphan in slots(watched)


def test_a_slot_made_anew_between_look_and_drop_stays_whoever_is_first(watched):
    """A stranger drops the orphan and makes his own of the same name while we drop it: his is there in the end."""
    won = []
    name = "raced"
    with watched.on_source() as ours, watched.on_source() as his:
        watched.make_slot(name, owner=DMS_OWNER)
        for _ in range(ROUNDS):
            slot = watched_slot(ours, watched, name)
            start = threading.Barrier(2)
            stranger = threading.Thread(target=take_over, args=(his, name, start))
            stranger.start()
            start.wait()
            result = drop_on(ours, slot, DMS_OWNER)
            stranger.join()

            won.append(result.dropped)
            now = ours.execute("select restart_lsn from pg_replication_slots where slot_name = %s", (name,)).fetchone()
            assert now is not None, result.text
    assert len(won) == ROUNDS


def watched_slot(conn, watched, name):
    from pg_cdc.facts.slots.scan import read_scan

    return next(slot for slot in read_scan(conn).slots if slot.name == name)


def take_over(conn, name, start) -> None:
    start.wait()
    with suppress(psycopg.errors.UndefinedObject, psycopg.errors.ObjectInUse):
        conn.execute("select pg_drop_replication_slot(%s)", (name,))
    while True:
        try:
            conn.execute("select pg_create_logical_replication_slot(%s, 'test_decoding')", (name,))
        except psycopg.errors.DuplicateObject:
            conn.execute("select pg_drop_replication_slot(%s)", (name,))
            continue
        return


@pytest.mark.parametrize(
    "owner",
    [
        pytest.param(Owner(kind=OwnerKind.UNKNOWN, how="somebody else reads it"), id="disowned"),
        pytest.param(replace(DMS_OWNER, owner_id="arn:aws:dms:eu-west-1:123456789012:task:OTHER"), id="another-task"),
    ],
)
def test_a_slot_that_the_ledger_gives_to_another_since_stays(watched, orphan, owner):
    slot = watched.slot(orphan)
    with watched.on_source() as conn:
        learn(conn, slot, owner)

    result = drop(watched, slot)

    assert not result.dropped
    assert "owner_" in result.text


def test_a_slot_that_the_ledger_does_not_know_stays(watched):
    name = watched.make_slot()

    result = drop(watched, watched.slot(name))

    assert result.text == f"slot {name} not dropped: there is no ledger of slots in its database"


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"plugin": "pgoutput"}, id="another-plugin"),
        pytest.param({"restart_lsn": 1}, id="another-place"),
        pytest.param({"confirmed_flush_lsn": None}, id="a-place-where-there-was-none"),
    ],
)
def test_a_slot_that_is_not_as_it_was_judged_stays(watched, orphan, change):
    result = drop(watched, replace(watched.slot(orphan), **change))

    assert not result.dropped
    assert orphan in slots(watched)


def test_a_slot_is_looked_for_in_its_own_database_only(watched, orphan):
    result = drop(watched, replace(watched.slot(orphan), database="postgres"))

    assert not result.dropped
    assert orphan in slots(watched)


def test_a_migration_of_another_server_is_refused(watched, orphan):
    with pytest.raises(NotOurs):
        drop_slot(watched.migration, "another", watched.slot(orphan), DMS_OWNER)


def test_the_session_that_a_person_named_is_ended_and_no_other(watched, orphan):
    other = watched.make_slot()
    with watched.reading(orphan) as pid, watched.reading(other) as bystander:
        wrong = terminate_backend(watched.migration, "watched", orphan, bystander)
        right = terminate_backend(watched.migration, "watched", orphan, pid)

        assert (wrong.told, right.told) == (False, True)
        assert right.text == f"session {pid} of slot {orphan} was told to end"
        assert watched.slot(other).active_pid == bystander
