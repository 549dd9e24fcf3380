"""How bad a slot is: by the runway, by what PostgreSQL says of it, by its catalog, by neglect."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pg_cdc.decisions.slots.dangers import Severity
from pg_cdc.decisions.slots.policy import GIB
from pg_cdc.decisions.slots.verdicts import Kind
from pg_cdc.decisions.slots.world import Storage, Watch
from tests.decisions.slots.slot_facts import (
    ACTIVE,
    DAY,
    GONE,
    HOUR,
    IDLE,
    NOW,
    STRANGER,
    TASK,
    abandoned,
    every_hour,
    judge,
    look,
    server,
)


def growing(slot=IDLE, **change):
    """Return a server that writes 1 GiB of WAL an hour."""
    return server(slot, history=every_hour(10, slot, wal_per_hour=GIB), **change)


def room(hours):
    return Storage(free_bytes=int(hours * GIB))


@pytest.mark.parametrize(
    ("facts", "severity"),
    [
        pytest.param(growing(), Severity.NONE, id="room-for-a-month"),
        pytest.param(growing(storage=room(72)), Severity.NONE, id="at-the-bound-of-a-watch"),
        pytest.param(growing(storage=room(71)), Severity.WATCH, id="under-the-bound-of-a-watch"),
        pytest.param(growing(storage=room(12)), Severity.WATCH, id="at-the-bound-of-an-alarm"),
        pytest.param(growing(storage=room(11)), Severity.ALARM, id="under-the-bound-of-an-alarm"),
        pytest.param(growing(ACTIVE, storage=room(11)), Severity.ALARM, id="a-reader-that-moves-nothing"),
        pytest.param(growing(storage=room(11), owner=STRANGER), Severity.ALARM, id="a-strangers"),
        pytest.param(growing(storage=room(11), owner_look=GONE), Severity.ALARM, id="an-orphans"),
        pytest.param(
            growing(replace(IDLE, slot_type="physical"), storage=room(11)), Severity.ALARM, id="a-standbys-that-is-away"
        ),
        pytest.param(server(IDLE, storage=room(0)), Severity.ALARM, id="a-full-disk-before-any-rate-is-known"),
        pytest.param(server(replace(ACTIVE, wal_status="unreserved")), Severity.ALARM, id="unreserved"),
        pytest.param(server(replace(ACTIVE, wal_status="extended")), Severity.NONE, id="extended"),
        pytest.param(server(replace(ACTIVE, wal_status="lost")), Severity.LOST, id="lost"),
        pytest.param(server(replace(ACTIVE, invalidation_reason="rows_removed")), Severity.LOST, id="invalidated-17"),
        pytest.param(server(replace(ACTIVE, conflicting=True)), Severity.LOST, id="conflicting-16"),
        pytest.param(server(replace(ACTIVE, wal_status="lost"), owner=STRANGER), Severity.LOST, id="a-strangers-lost"),
        pytest.param(abandoned(replace(IDLE, wal_status="lost")), Severity.WATCH, id="an-orphan-lost-harms-nobody"),
        pytest.param(server(replace(ACTIVE, catalog_xmin_age=199_999_999)), Severity.NONE, id="under-200-million"),
        pytest.param(
            server(replace(ACTIVE, catalog_xmin_age=200_000_000)), Severity.WATCH, id="200-million-transactions"
        ),
        pytest.param(server(replace(ACTIVE, catalog_xmin_age=10**9)), Severity.ALARM, id="a-billion-transactions"),
        pytest.param(server(IDLE, owner_look=GONE), Severity.WATCH, id="an-orphan-within-its-grace"),
        pytest.param(server(tasks={TASK: "failed"}), Severity.WATCH, id="a-failed-task"),
        pytest.param(server(tasks={TASK: "stopped"}), Severity.NONE, id="a-stopped-task"),
        pytest.param(server(IDLE, storage=Storage(free_bytes=GIB)), Severity.WATCH, id="holds-as-much-as-is-free"),
        pytest.param(server(IDLE, storage=Storage(free_bytes=GIB + 1)), Severity.NONE, id="holds-less-than-is-free"),
        pytest.param(growing(storage=Storage()), Severity.WATCH, id="a-gib-and-growing-into-the-unknown"),
        pytest.param(
            growing(replace(IDLE, retained_bytes=GIB - 1), storage=Storage()),
            Severity.NONE,
            id="little-into-the-unknown",
        ),
    ],
)
def test_a_slot_is_as_bad_as_its_gravest_danger(facts, severity):
    assert judge(facts).severity is severity


@pytest.mark.parametrize(
    ("slot", "severity"),
    [
        pytest.param(replace(IDLE, inactive_since=NOW - DAY), Severity.WATCH, id="a-day"),
        pytest.param(replace(IDLE, inactive_since=NOW - DAY + 1), Severity.NONE, id="less-than-a-day"),
        pytest.param(
            replace(IDLE, inactive_since=NOW - DAY, slot_type="physical"), Severity.WATCH, id="a-standby-away"
        ),
        pytest.param(
            replace(IDLE, inactive_since=NOW - DAY, synced=True), Severity.NONE, id="a-synced-slot-never-is-read"
        ),
        pytest.param(replace(IDLE, inactive_since=NOW - DAY, failover=True), Severity.NONE, id="protected-on-purpose"),
    ],
)
def test_a_slot_that_nobody_reads_is_pointed_out_after_the_grace(slot, severity):
    assert judge(server(slot)).severity is severity


@pytest.mark.parametrize(
    ("told", "hours", "severity"),
    [
        pytest.param("alarm", 14, Severity.ALARM, id="an-alarm-stays-a-little-over-its-bound"),
        pytest.param("alarm", 16, Severity.WATCH, id="an-alarm-ends-well-over-its-bound"),
        pytest.param("alarm", 85, Severity.WATCH, id="after-an-alarm-a-watch-stays-too"),
        pytest.param("watch", 14, Severity.WATCH, id="a-watch-is-no-alarm-yet"),
        pytest.param("watch", 85, Severity.WATCH, id="a-watch-stays-a-little-over-its-bound"),
        pytest.param("watch", 95, Severity.NONE, id="a-watch-ends-well-over-its-bound"),
        pytest.param("", 85, Severity.NONE, id="nothing-was-told"),
        pytest.param("lost", 14, Severity.WATCH, id="a-loss-holds-no-alarm"),
        pytest.param("a word of a later version", 85, Severity.NONE, id="an-unknown-word-holds-nothing"),
    ],
)
def test_a_severity_does_not_come_and_go_at_its_bound(told, hours, severity):
    assert judge(growing(storage=room(hours), watch=Watch(severity=told))).severity is severity


@pytest.mark.parametrize(
    ("slot", "history", "idle"),
    [
        pytest.param(ACTIVE, [], 0, id="read-now"),
        pytest.param(replace(IDLE, inactive_since=NOW - 90), every_hour(9), 90, id="postgresql-17-says"),
        pytest.param(replace(IDLE, inactive_since=NOW + 5), [], 0, id="a-clock-that-went-back"),
        pytest.param(IDLE, [], None, id="never-seen-before"),
        pytest.param(IDLE, every_hour(9), 9 * HOUR, id="as-long-as-it-was-watched"),
        pytest.param(IDLE, [*every_hour(9), look(12, active=True)], 12 * HOUR, id="since-it-was-seen-read"),
        pytest.param(IDLE, [*every_hour(9), look(12, restart_lsn=1)], 9 * HOUR, id="since-it-was-seen-moved"),
        pytest.param(IDLE, [look(12, restart_lsn=1)], 12 * HOUR, id="moved-since-the-only-look"),
    ],
)
def test_idle_time(slot, history, idle):
    assert judge(server(slot, history=history)).idle_seconds == idle


def test_the_servers_rate_is_known_from_any_slot():
    """A slot made a minute ago has no history; the server's WAL has."""
    new = replace(IDLE, name="new")
    facts = server(slots=(new,), storage=room(11))
    history = {"dropped": every_hour(10, wal_per_hour=GIB)}

    assert judge(replace(facts, history=history)).severity is Severity.ALARM


def test_a_moved_slot_that_keeps_up_is_healthy_however_busy_the_server():
    history = [look(ago, ACTIVE, wal_per_hour=GIB, restart_lsn=ACTIVE.restart_lsn - ago * GIB) for ago in (3, 2, 1)]

    verdict = judge(server(ACTIVE, history=history, storage=room(1)))

    assert verdict.kind is Kind.HEALTHY
    assert verdict.runway.hours is None


LITTLE = replace(IDLE, retained_bytes=GIB - 1)


@pytest.mark.parametrize(
    ("facts", "severity"),
    [
        pytest.param(growing(storage=Storage(how="AccessDenied")), Severity.ALARM, id="the-room-is-not-known-now"),
        pytest.param(server(IDLE, storage=room(11)), Severity.ALARM, id="the-rate-is-not-known-now"),
        pytest.param(growing(storage=room(100)), Severity.NONE, id="there-is-room-now"),
        pytest.param(server(IDLE, history=every_hour(3)), Severity.NONE, id="nothing-grows-now"),
        pytest.param(growing(LITTLE, storage=Storage()), Severity.NONE, id="it-holds-back-little-now"),
        pytest.param(
            server(replace(IDLE, restart_lsn=None, retained_bytes=None)), Severity.NONE, id="it-holds-nothing"
        ),
    ],
)
def test_an_alarm_does_not_end_because_something_could_not_be_read(facts, severity):
    assert judge(replace(facts, watches={"a": Watch(severity="alarm")})).severity is severity


@pytest.mark.parametrize(
    ("change", "words"),
    [
        pytest.param({"wal_status": "lost"}, "lost (wal_status lost): its reader has to begin anew", id="13"),
        pytest.param({"conflicting": True}, "lost (conflicting)", id="16"),
        pytest.param({"wal_status": "lost", "conflicting": False}, "lost (wal_status lost)", id="16-for-its-wal"),
        pytest.param(
            {"wal_status": "lost", "invalidation_reason": "wal_removed", "conflicting": True},
            "lost (wal_removed)",
            id="17",
        ),
    ],
)
def test_a_loss_is_told_as_postgresql_tells_it(change, words):
    assert judge(server(replace(ACTIVE, **change))).reasons[1].startswith(words)
