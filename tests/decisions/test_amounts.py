"""Amounts as people read them."""

from __future__ import annotations

import pytest

from pg_cdc.decisions.amounts import bytes_text, time_text


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1.0 KiB"),
        (1536 * 1024, "1.5 MiB"),
        (10 * 1024**3, "10.0 GiB"),
        (2**60, "1024.0 PiB"),
        (-2048, "-2.0 KiB"),
    ],
)
def test_bytes_are_written(amount, text):
    assert bytes_text(amount) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (59, "59 s"),
        (60, "1 min"),
        (3599, "60 min"),
        (3600, "1.0 h"),
        (47 * 3600, "47.0 h"),
        (48 * 3600, "2.0 days"),
        (364 * 86400, "364.0 days"),
        (365 * 86400, "over a year"),
        (1e18, "over a year"),
    ],
)
def test_times_are_written(seconds, text):
    assert time_text(seconds) == text
