"""Data points are put together by minute, period and statistic as CloudWatch does it."""

from __future__ import annotations

import pytest

from sandbox.api.errors import AwsError
from sandbox.cloudwatch.samples import KEPT, Samples, by_period, statistic

HOUR = 1_800_000_000 // 3600 * 3600
ONE, OTHER = ("FreeStorageSpace", "db-1"), ("FreeStorageSpace", "db-2")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Average", 4.0),
        ("Minimum", 1.0),
        ("Maximum", 9.0),
        ("Sum", 16.0),
        ("SampleCount", 4.0),
        ("p50", 1.0),
        ("p75", 5.0),
        ("p99.9", 9.0),
        ("p0", 1.0),
    ],
)
def test_a_statistic_of_four_values(name, value):
    assert statistic(name, [9, 1, 5, 1]) == value


@pytest.mark.parametrize("name", ["Median", "p101", "p", "", "tm90"])
def test_a_statistic_there_is_not_is_refused(name):
    with pytest.raises(AwsError):
        statistic(name, [1])


def test_the_last_value_of_a_minute_stands_for_it():
    samples = Samples()
    samples.put(ONE, HOUR + 3, 1.0)
    samples.put(ONE, HOUR + 59, 2.0)
    samples.put(ONE, HOUR + 60, 3.0)

    assert samples.between([ONE], HOUR, HOUR + 120) == {HOUR: [2.0], HOUR + 60: [3.0]}


@pytest.mark.parametrize(
    ("start", "end", "found"),
    [
        pytest.param(60, 120, [60], id="its-minute"),
        pytest.param(90, 120, [60], id="a-start-within-the-minute-is-its-beginning"),
        pytest.param(0, 60, [], id="the-end-does-not-belong"),
        pytest.param(120, 180, [], id="later"),
    ],
)
def test_a_time_begins_with_its_minute_and_ends_before_its_end(start, end, found):
    samples = Samples()
    samples.put(ONE, HOUR + 70, 1.0)

    assert [minute - HOUR for minute in samples.between([ONE], HOUR + start, HOUR + end)] == found


def test_series_are_kept_apart_and_asked_for_together():
    samples = Samples()
    samples.put(ONE, HOUR, 1.0)
    samples.put(OTHER, HOUR, 5.0)

    assert samples.between([ONE], HOUR, HOUR + 60) == {HOUR: [1.0]}
    assert samples.between([ONE, OTHER], HOUR, HOUR + 60) == {HOUR: [1.0, 5.0]}


def test_a_period_holds_its_minutes_the_oldest_first():
    minutes = {HOUR + 240: [5.0], HOUR: [1.0], HOUR + 300: [7.0], HOUR + 60: [2.0, 3.0]}

    assert by_period(minutes, 300) == {HOUR: [1.0, 2.0, 3.0, 5.0], HOUR + 300: [7.0]}
    assert list(by_period(minutes, 60)) == [HOUR, HOUR + 60, HOUR + 240, HOUR + 300]


def test_only_a_day_of_minutes_is_kept():
    samples = Samples()
    for minute in range(KEPT + 10):
        samples.put(ONE, HOUR + 60 * minute, float(minute))

    kept = samples.between([ONE], 0, HOUR * 2)
    assert len(kept) == KEPT
    assert min(kept) == HOUR + 600
