"""The runway: hours until held-back WAL fills the disk or is given up. Growth counts, not who is connected."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pg_cdc.decisions.slots.policy import GIB
from pg_cdc.decisions.slots.runway import Confidence, Limit, Rate, runway, slot_rate, wal_rate
from pg_cdc.decisions.slots.world import Storage
from tests.decisions.slots.slot_facts import ACTIVE, HOUR, IDLE, NOW, WAL, every_hour, look

FAST = Rate(bytes_per_hour=10 * GIB, span_seconds=7 * HOUR, confidence=Confidence.HIGH)
NO_LIMIT = Storage()


def at_wal(hours_ago: float, wal_gib: float):
    return look(hours_ago, wal_lsn=int(wal_gib * GIB))


@pytest.mark.parametrize(
    ("history", "gib_per_hour", "confidence"),
    [
        pytest.param([], None, Confidence.NONE, id="no-history-no-rate"),
        pytest.param([at_wal(59 / 3600, 999)], None, Confidence.NONE, id="59-seconds-say-nothing"),
        pytest.param([at_wal(60 / 3600, 1000)], 0, Confidence.LOW, id="60-seconds-say-a-little"),
        pytest.param([at_wal(0.25, 995)], 20, Confidence.LOW, id="a-quarter-of-an-hour"),
        pytest.param([at_wal(1, 990)], 10, Confidence.MEDIUM, id="an-hour"),
        pytest.param([at_wal(6, 940)], 10, Confidence.HIGH, id="six-hours"),
        pytest.param([at_wal(10, 980), at_wal(1, 990)], 10, Confidence.HIGH, id="a-load-that-began-in-the-last-hour"),
        pytest.param([at_wal(10, 900), at_wal(1, 1000)], 10, Confidence.HIGH, id="a-quiet-hour-after-a-busy-night"),
        pytest.param(
            [at_wal(10, 950), at_wal(3, 940), at_wal(1, 1000)], 20, Confidence.MEDIUM, id="reset-three-hours-ago"
        ),
        pytest.param(
            [at_wal(10, 900), at_wal(3, 910), at_wal(1, 1000)],
            10,
            Confidence.HIGH,
            id="a-load-that-is-over-is-averaged",
        ),
        pytest.param([at_wal(24, 760)], 10, Confidence.HIGH, id="a-day-ago-still-counts"),
        pytest.param([at_wal(0, 5), at_wal(2, 980)], 10, Confidence.MEDIUM, id="this-very-look-is-not-its-own-past"),
        pytest.param([at_wal(25, 0), at_wal(2, 990)], 5, Confidence.MEDIUM, id="older-than-a-day-is-forgotten"),
        pytest.param([at_wal(8, 5000), at_wal(2, 990)], 5, Confidence.MEDIUM, id="restored-under-its-name-counts-anew"),
        pytest.param([at_wal(2, 1001)], None, Confidence.NONE, id="restored-just-now"),
        pytest.param([at_wal(2, 0)], None, Confidence.NONE, id="no-position-was-known-then"),
        pytest.param([at_wal(3, 970), at_wal(2, 0)], 10, Confidence.MEDIUM, id="no-position-was-known-in-between"),
        pytest.param([at_wal(-1, 5)], None, Confidence.NONE, id="a-look-from-the-future-is-left-out"),
        pytest.param([at_wal(2, 980), at_wal(2, 980)], 10, Confidence.MEDIUM, id="the-same-moment-seen-for-two-slots"),
    ],
)
def test_wal_rate(history, gib_per_hour, confidence):
    rate = wal_rate(history, at=NOW, wal_lsn=1000 * GIB)

    assert rate.bytes_per_hour == (None if gib_per_hour is None else pytest.approx(gib_per_hour * GIB, rel=1e-6))
    assert rate.confidence is confidence


def test_without_a_position_there_is_no_rate():
    assert wal_rate([at_wal(2, 990)], at=NOW, wal_lsn=0) == Rate()


def test_the_order_of_the_looks_does_not_matter():
    history = [at_wal(1, 990), at_wal(6, 940), at_wal(3, 970)]

    assert wal_rate(history, at=NOW, wal_lsn=WAL) == wal_rate(sorted(history, key=lambda o: o.at), at=NOW, wal_lsn=WAL)


MOVED = {"restart_lsn": ACTIVE.restart_lsn - GIB}


@pytest.mark.parametrize(
    ("slot", "history", "expected"),
    [
        pytest.param(IDLE, [], FAST, id="nobody-reads-it-so-it-grows-with-the-wal"),
        pytest.param(IDLE, [look(1, restart_lsn=1)], FAST, id="nobody-reads-it-any-more"),
        pytest.param(ACTIVE, every_hour(3, ACTIVE), FAST, id="read-and-never-moved-grows-with-the-wal"),
        pytest.param(
            ACTIVE, [look(3, ACTIVE, **MOVED), look(1, ACTIVE), look(0.5, ACTIVE)], FAST, id="stuck-for-an-hour"
        ),
        pytest.param(ACTIVE, [look(0.5, ACTIVE)], FAST, id="stuck-as-far-as-was-seen"),
        pytest.param(ACTIVE, [look(1.1, ACTIVE, **MOVED), look(1, ACTIVE)], FAST, id="stuck-for-just-an-hour"),
        pytest.param(ACTIVE, [look(3, ACTIVE, **MOVED), look(2, ACTIVE)], FAST, id="stuck-and-seldom-looked-at"),
        pytest.param(ACTIVE, [look(1 / 60, ACTIVE)], FAST, id="stuck-for-a-minute-is-all-that-is-known"),
        pytest.param(ACTIVE, [], Rate(), id="read-and-never-seen-before"),
        pytest.param(ACTIVE, [look(0.01, ACTIVE)], Rate(), id="read-and-seen-a-moment-ago"),
        pytest.param(replace(ACTIVE, retained_bytes=None), [look(1, ACTIVE, **MOVED)], Rate(), id="retained-unknown"),
    ],
)
def test_a_slot_grows(slot, history, expected):
    assert slot_rate(slot, history, FAST, at=NOW) == expected


def test_a_slot_that_moved_within_the_hour_is_not_stuck():
    history = [look(0.9, ACTIVE, **MOVED), look(0.5, ACTIVE)]

    assert slot_rate(ACTIVE, history, FAST, at=NOW).bytes_per_hour == 0


@pytest.mark.parametrize(
    ("retained_before", "gib_per_hour"),
    [
        pytest.param(ACTIVE.retained_bytes, 0, id="as-much-as-before"),
        pytest.param(ACTIVE.retained_bytes + GIB, 0, id="less-than-before-is-no-growth"),
        pytest.param(0, 1 / 16, id="more-than-before"),
    ],
)
def test_a_slot_that_moves_grows_by_what_it_holds_back(retained_before, gib_per_hour):
    history = [look(2, ACTIVE, retained_bytes=retained_before, **MOVED)]

    assert slot_rate(ACTIVE, history, FAST, at=NOW).bytes_per_hour == pytest.approx(gib_per_hour * GIB)


@pytest.mark.parametrize(
    ("slot", "storage", "hours", "limit"),
    [
        pytest.param({}, Storage(free_bytes=100 * GIB), 10, Limit.DISK, id="the-disk"),
        pytest.param({"safe_wal_size": 50 * GIB}, Storage(free_bytes=100 * GIB), 5, Limit.SLOT, id="the-slot-first"),
        pytest.param({"safe_wal_size": 500 * GIB}, Storage(free_bytes=100 * GIB), 10, Limit.DISK, id="the-disk-first"),
        pytest.param(
            {"retained_bytes": 30 * GIB},
            Storage(max_slot_wal_keep_bytes=50 * GIB),
            2,
            Limit.SLOT,
            id="kept-up-to-a-size",
        ),
        pytest.param(
            {"retained_bytes": 30 * GIB, "safe_wal_size": 10 * GIB},
            Storage(max_slot_wal_keep_bytes=50 * GIB),
            1,
            Limit.SLOT,
            id="postgresql-knows-better-than-our-sum",
        ),
        pytest.param({"safe_wal_size": -GIB}, Storage(free_bytes=100 * GIB), 0, Limit.SLOT, id="over-its-size-already"),
        pytest.param({}, Storage(free_bytes=0), 0, Limit.DISK, id="a-full-disk"),
        pytest.param({}, NO_LIMIT, None, Limit.NONE, id="no-limit-known"),
        pytest.param(
            {"retained_bytes": None}, Storage(max_slot_wal_keep_bytes=GIB), None, Limit.NONE, id="a-limit-of-an-unknown"
        ),
        pytest.param({"restart_lsn": None}, Storage(free_bytes=0), None, Limit.NONE, id="holds-nothing-back"),
    ],
)
def test_the_runway_ends(slot, storage, hours, limit):
    ahead = runway(replace(IDLE, **slot), FAST, storage)

    assert ahead.hours == (None if hours is None else pytest.approx(hours))
    assert ahead.limit is limit
    assert ahead.text


@pytest.mark.parametrize(
    ("rate", "hours", "confidence", "words"),
    [
        pytest.param(
            FAST, 10, Confidence.HIGH, "disk full in 10.0 h: 100.0 GiB left, 10.0 GiB/h over 7.0 h", id="fast"
        ),
        pytest.param(Rate(), None, Confidence.NONE, "how fast it fills is not known yet", id="no-rate-yet"),
        pytest.param(replace(FAST, bytes_per_hour=0.0), None, Confidence.HIGH, "does not grow", id="does-not-grow"),
        pytest.param(
            replace(FAST, bytes_per_hour=1.0), 100 * GIB, Confidence.HIGH, "over a year", id="one-byte-an-hour"
        ),
    ],
)
def test_the_runway_tells_how_it_is_known(rate, hours, confidence, words):
    ahead = runway(IDLE, rate, Storage(free_bytes=100 * GIB))

    assert ahead.hours == (None if hours is None else pytest.approx(hours))
    assert ahead.confidence is confidence
    assert words in ahead.text


def test_a_full_disk_needs_no_rate_to_be_known():
    assert runway(IDLE, Rate(), Storage(free_bytes=0)).hours == 0


def test_why_the_room_is_not_known_is_said():
    assert "AccessDenied" in runway(IDLE, FAST, Storage(how="CloudWatch: AccessDenied")).text


BYTES = st.integers(0, 10**15)
ROOMS = st.builds(Storage, free_bytes=st.none() | BYTES, max_slot_wal_keep_bytes=st.none() | BYTES)
RATES = st.builds(Rate, bytes_per_hour=st.floats(0, 1e13))


def left(rate, storage) -> float:
    hours = runway(IDLE, rate, storage).hours
    return float("inf") if hours is None else hours


@given(rate=RATES, storage=ROOMS, less=BYTES)
def test_less_room_is_never_a_longer_runway(rate, storage, less):
    if storage.free_bytes is not None:
        smaller = replace(storage, free_bytes=storage.free_bytes - less)

        assert left(rate, smaller) <= left(rate, storage)


@given(rate=RATES, storage=ROOMS, more=st.floats(0, 1e13))
def test_growing_faster_is_never_a_longer_runway(rate, storage, more):
    faster = replace(rate, bytes_per_hour=rate.bytes_per_hour + more)

    assert left(faster, storage) <= left(rate, storage)


@given(rate=RATES, storage=ROOMS, limit=BYTES)
def test_another_limit_is_never_a_longer_runway(rate, storage, limit):
    both = replace(storage, max_slot_wal_keep_bytes=limit)

    assert left(rate, both) <= left(rate, replace(storage, max_slot_wal_keep_bytes=None))


LOOKS = st.lists(st.builds(lambda ago, lsn: look(ago, wal_lsn=lsn), st.floats(-5, 50), st.integers(0, 2**63)))


@given(history=LOOKS, wal_lsn=st.integers(0, 2**63))
def test_a_rate_is_never_negative(history, wal_lsn):
    rate = wal_rate(history, at=NOW, wal_lsn=wal_lsn)

    assert rate.bytes_per_hour is None or rate.bytes_per_hour >= 0
    assert (rate.bytes_per_hour is None) is (rate.confidence is Confidence.NONE)
