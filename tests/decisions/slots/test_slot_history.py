"""What observations say of a slot's use: who has used it since, from when it is quiet, how long it is idle."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pg_cdc.decisions.slots.history import LEFTOVER_SECONDS, idle_seconds, quiet_since, used_since
from tests.decisions.slots.slot_facts import ACTIVE, HOUR, IDLE, NOW, look

SINCE = NOW - 10 * HOUR


def seen_at(moment: float, **change):
    return look(0, at=moment, **change)


@pytest.mark.parametrize(
    ("seen", "use"),
    [
        pytest.param([], "", id="never-seen"),
        pytest.param([seen_at(SINCE)], "", id="quiet"),
        pytest.param([seen_at(SINCE + LEFTOVER_SECONDS, active=True)], "", id="a-reader-of-the-first-ten-minutes"),
        pytest.param([seen_at(SINCE + LEFTOVER_SECONDS + 1, active=True)], "it was read since", id="a-later-reader"),
        pytest.param([seen_at(SINCE, restart_lsn=1)], "it has moved since", id="moved-since-that-very-moment"),
        pytest.param([seen_at(SINCE - 0.0005, restart_lsn=1)], "it has moved since", id="a-moment-rounded-down"),
        pytest.param([seen_at(SINCE - 0.01, restart_lsn=1)], "", id="moved-before"),
        pytest.param([seen_at(NOW - 1, confirmed_flush_lsn=None)], "it has moved since", id="confirmed-at-last"),
        pytest.param([seen_at(NOW + HOUR, restart_lsn=1)], "it has moved since", id="by-a-clock-that-went-back"),
        pytest.param(
            [seen_at(NOW - 2, restart_lsn=1), seen_at(NOW - 1, active=True)], "it was read since", id="read-and-moved"
        ),
    ],
)
def test_a_slot_was_used(seen, use):
    assert used_since(IDLE, seen, SINCE) == use


def test_losing_its_place_is_no_move_and_the_ledger_still_knows_it():
    assert used_since(replace(IDLE, restart_lsn=None), [seen_at(SINCE)], SINCE) == ""


def test_ten_minutes_are_twice_what_a_server_waits_for_a_reader():
    longest_wal_sender_timeout_of_dms = 299.999

    assert 2 * longest_wal_sender_timeout_of_dms < LEFTOVER_SECONDS < 2 * longest_wal_sender_timeout_of_dms + 1


@pytest.mark.parametrize(
    ("slot", "seen", "quiet"),
    [
        pytest.param(IDLE, [], NOW, id="no-look-no-evidence"),
        pytest.param(IDLE, [seen_at(SINCE)], SINCE, id="since-the-owner-was-gone"),
        pytest.param(IDLE, [seen_at(SINCE - HOUR), seen_at(SINCE)], SINCE, id="not-since-before"),
        pytest.param(IDLE, [seen_at(SINCE - HOUR)], NOW, id="a-look-before-says-nothing-of-after"),
        pytest.param(IDLE, [seen_at(SINCE + HOUR)], SINCE + HOUR, id="since-the-first-look"),
        pytest.param(IDLE, [seen_at(NOW - 1), seen_at(SINCE)], SINCE, id="in-whatever-order"),
        pytest.param(
            IDLE, [seen_at(SINCE), seen_at(SINCE + 60, active=True)], SINCE + 60, id="since-the-owners-reader-ended"
        ),
        pytest.param(
            replace(IDLE, inactive_since=SINCE + 5), [seen_at(SINCE)], SINCE + 5, id="since-postgresql-17-says-so"
        ),
        pytest.param(
            replace(IDLE, inactive_since=SINCE - 5), [seen_at(SINCE)], SINCE, id="not-since-postgresql-17-says-so"
        ),
    ],
)
def test_a_slot_is_quiet(slot, seen, quiet):
    assert quiet_since(slot, seen, SINCE, at=NOW) == quiet


@pytest.mark.parametrize(
    ("slot", "seen", "idle"),
    [
        pytest.param(ACTIVE, [seen_at(NOW - HOUR)], 0, id="read-now"),
        pytest.param(replace(IDLE, inactive_since=NOW - 90), [], 90, id="as-postgresql-17-says"),
        pytest.param(IDLE, [], None, id="never-seen"),
        pytest.param(IDLE, [seen_at(NOW + 5)], None, id="seen-only-in-the-future"),
        pytest.param(IDLE, [seen_at(NOW)], 0, id="seen-just-now"),
        pytest.param(IDLE, [seen_at(NOW - HOUR), seen_at(NOW)], HOUR, id="as-long-as-it-was-watched"),
        pytest.param(
            IDLE, [seen_at(NOW - 9), seen_at(NOW - 5, active=True), seen_at(NOW - 2)], 5, id="since-it-was-seen-read"
        ),
        pytest.param(
            IDLE, [seen_at(NOW - 9, restart_lsn=1), seen_at(NOW - 4), seen_at(NOW - 2)], 4, id="since-it-had-moved"
        ),
    ],
)
def test_a_slot_is_idle(slot, seen, idle):
    assert idle_seconds(slot, seen, at=NOW) == idle
