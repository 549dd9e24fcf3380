"""The books: made once, only where there is a slot; what is written is what is read; nothing is written twice."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from pg_cdc.decisions.slots.world import Owner, OwnerKind, SlotRow, Watch
from pg_cdc.hooks.slots.book import SlotBook, learn, lsn_text
from tests.shell.hygiene.conftest import DMS_OWNER

NO_SLOTS = {"slots": ()}
STANDBY = SlotRow(name="standby", slot_type="physical", active=True, restart_lsn=1)
PHYSICAL = {"slots": (STANDBY,)}
DESERTED = {"slots": (replace(STANDBY, active=False),)}
NEVER_USED = {"slots": (replace(STANDBY, active=False, restart_lsn=None),)}
LOGICAL = {"slots": (SlotRow(name="task", slot_type="logical"),)}


@pytest.fixture
def book(watched):
    with watched.on_source("postgres") as conn:
        yield SlotBook(conn)


@pytest.mark.parametrize(
    ("change", "needed"),
    [
        pytest.param(NO_SLOTS, False, id="nothing-to-watch"),
        pytest.param(PHYSICAL, False, id="a-standby-alone"),
        pytest.param(NEVER_USED, False, id="a-standby-that-never-came"),
        pytest.param(DESERTED, True, id="a-standby-that-is-away"),
        pytest.param(LOGICAL, True, id="a-logical-slot"),
        pytest.param({**LOGICAL, "in_recovery": True}, True, id="a-logical-slot-on-a-read-replica"),
    ],
)
def test_books_are_needed_where_a_slot_is_logical_or_deserted(watched, book, change, needed):
    assert book.is_needed(replace(watched.facts(), **change)) is needed


def test_books_that_are_there_are_kept_when_the_last_slot_is_gone(watched, book):
    book.ensure()

    assert book.is_needed(replace(watched.facts(), slots=()))


def test_books_are_made_once(watched, book):
    first = book.ensure()

    with watched.on_source("postgres") as conn:
        assert SlotBook(conn).ensure() == ()
    assert first == (
        "created table pgcdc.slot_watch in database postgres",
        "created table pgcdc.slot_observation in database postgres",
    )
    assert book.ensure() == ()


def test_a_server_without_books_reads_as_one_that_nobody_watched(book):
    assert not book.exists
    assert (book.history(0), book.watches()) == ({}, {})


def test_what_was_observed_is_read_again_as_it_was(watched, book):
    name = watched.make_slot()
    book.ensure()
    facts = watched.facts()
    slot = next(slot for slot in facts.slots if slot.name == name)

    book.observe(facts)
    (seen,) = book.history(facts.at - 1)[name]

    assert (seen.at, seen.active, seen.wal_lsn) == (pytest.approx(facts.at, abs=1e-5), False, facts.wal_lsn)
    assert (seen.restart_lsn, seen.confirmed_flush_lsn) == (slot.restart_lsn, slot.confirmed_flush_lsn)
    assert seen.retained_bytes == slot.retained_bytes


def test_a_slot_that_was_lost_has_no_position(watched, book):
    book.ensure()
    lost = SlotRow(name="lost", slot_type="logical", wal_status="lost")
    facts = replace(watched.facts(), slots=(lost,))

    book.observe(facts)

    assert book.history(0)["lost"][0].restart_lsn is None


def test_one_moment_is_written_down_once(watched, book):
    watched.make_slot()
    book.ensure()
    facts = watched.facts()

    assert book.observe(facts) == len(facts.slots)
    assert book.observe(facts) == 0


def test_history_is_between_two_moments_and_oldest_first(watched, book):
    name = watched.make_slot()
    book.ensure()
    facts = watched.facts()
    for hours in (30, 20, 10, 0):
        book.observe(replace(facts, at=facts.at - hours * 3600))

    seen = book.history(facts.at - 25 * 3600, facts.at - 5 * 3600)[name]

    assert [round((facts.at - one.at) / 3600) for one in seen] == [20, 10]


def test_history_of_a_slot_whose_owner_is_gone_begins_where_that_was_seen(watched, book):
    gone, other = watched.make_slot(), watched.make_slot()
    book.ensure()
    facts = watched.facts()
    for days in (9, 5, 1):
        book.observe(replace(facts, at=facts.at - days * 86400))
    book.save_watches({gone: Watch(owner_id="x", gone_since=facts.at - 6 * 86400)})

    history = book.history(facts.at - 2 * 86400)

    assert [round((facts.at - one.at) / 86400) for one in history[gone]] == [5, 1]
    assert [round((facts.at - one.at) / 86400) for one in history[other]] == [1]


@pytest.mark.parametrize(("days", "left"), [(13.9, 1), (14.1, 0)])
def test_what_is_older_than_a_fortnight_is_removed(watched, book, days, left):
    name = watched.make_slot()
    book.ensure()
    facts = watched.facts()
    book.observe(replace(facts, at=facts.at - days * 86400))

    book.trim(at=facts.at)

    assert len(book.history(0).get(name, ())) == left


def test_watches_are_read_as_they_were_saved(book):
    book.ensure()
    watches = {
        "a": Watch(owner_id="arn", gone_since=1_800_000_000.123456),
        "b": Watch(owner_id="arn", severity="alarm", severity_since=1_800_000_000.5),
    }

    assert book.save_watches(watches) == ("a", "b")
    assert book.watches() == watches


def test_the_same_watches_again_are_no_change(book):
    book.ensure()
    book.save_watches({"a": Watch(owner_id="arn", gone_since=1_800_000_000.123456)})

    assert book.save_watches(book.watches()) == ()


def test_a_watch_that_is_blank_or_left_out_is_removed(book):
    book.ensure()
    book.save_watches({name: Watch(severity="alarm", severity_since=1.0) for name in "abc"})

    assert book.save_watches({"a": Watch(severity="alarm", severity_since=1.0), "b": Watch()}) == ("b", "c")
    assert list(book.watches()) == ["a"]


def test_of_two_runs_one_has_the_lock_until_it_lets_go_or_ends(watched, book):
    with watched.on_source("postgres") as conn:
        other = SlotBook(conn)
        assert book.try_lock()
        assert not other.try_lock()

        book.unlock()

        assert other.try_lock()
    ends = time.monotonic() + 20
    while not book.try_lock():
        assert time.monotonic() < ends, "the other's session has not ended"


def test_an_owner_is_learned_once(watched):
    name = watched.make_slot()
    slot = watched.slot(name)
    with watched.on_source() as conn:
        first = learn(conn, slot, DMS_OWNER)

        assert first == (
            "created table pgcdc.slot_owner on the source",
            f"recorded the owner of slot {name}: dms-task {DMS_OWNER.owner_id}",
        )
        assert learn(conn, slot, DMS_OWNER) == ()
    owner = watched.facts().owners[name]
    assert (owner.kind, owner.owner_id, owner.migration, owner.how) == (
        OwnerKind.DMS_TASK, DMS_OWNER.owner_id, "shop", "told by a test",
    )  # fmt: skip
    assert owner.recorded_at == pytest.approx(watched.facts().at, abs=60)


def test_an_owner_can_be_unlearned(watched):
    name = watched.make_slot(owner=DMS_OWNER)
    with watched.on_source() as conn:
        changes = learn(conn, watched.slot(name), Owner(kind=OwnerKind.UNKNOWN, how="somebody else reads it"))

    assert changes == (f"recorded the owner of slot {name}: unknown",)
    assert watched.facts().owners[name].kind is OwnerKind.UNKNOWN


@pytest.mark.parametrize(
    ("position", "text"),
    [
        (None, None),
        (0, "0/0"),
        (0x1A2B3C, "0/1A2B3C"),
        (0x4AF_B000_00D0, "4AF/B00000D0"),
        (2**64 - 1, "FFFFFFFF/FFFFFFFF"),
    ],
)
def test_a_position_is_written_as_postgresql_writes_it(position, text):
    assert lsn_text(position) == text


def test_the_books_on_a_replicas_slots_are_apart_from_those_of_its_primary(watched, book):
    name = watched.make_slot()
    book.ensure()
    facts = watched.facts()
    of_replica = SlotBook(book.conn, "reader")
    book.save_watches({name: Watch(severity="watch", severity_since=facts.at)})

    of_replica.observe(replace(facts, wal_lsn=facts.wal_lsn - 100))
    assert of_replica.save_watches({name: Watch(severity="alarm", severity_since=facts.at)}) == (name,)

    assert book.history(0) == {}
    assert [seen.wal_lsn for seen in of_replica.history(0)[name]] == [facts.wal_lsn - 100]
    assert (book.watches()[name].severity, of_replica.watches()[name].severity) == ("watch", "alarm")
    assert SlotBook(book.conn, "read").watches() == {}


def test_who_forgets_a_primarys_slots_leaves_what_is_known_of_its_replicas(watched, book):
    book.ensure()
    of_replica = SlotBook(book.conn, "reader")
    of_replica.save_watches({"task": Watch(severity="alarm")})
    book.save_watches({"task": Watch(severity="watch")})

    assert book.save_watches({}) == ("task",)
    assert of_replica.watches() == {"task": Watch(severity="alarm")}
    assert of_replica.save_watches({}) == ("task",)


def test_a_run_on_a_replica_does_not_wait_for_one_on_its_primary(watched, book):
    with watched.on_source("postgres") as other:
        assert book.try_lock()
        assert not SlotBook(other).try_lock()
        assert SlotBook(other, "reader").try_lock()
        assert not SlotBook(book.conn, "reader").try_lock()
