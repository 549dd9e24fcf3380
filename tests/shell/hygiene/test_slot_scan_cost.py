"""The benchmark of the slot scan measures the scan that runs use, and does not pass off a miss as a fast look."""

from __future__ import annotations

import os

import pytest

from benchmarks import __main__ as benchmarks
from benchmarks import slot_scan
from benchmarks.slot_servers import fleet
from pg_cdc.facts.slots import scan as scanning
from pg_cdc.facts.slots import server as facts


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """One server with three slots, reached as five."""
    place = tmp_path_factory.mktemp("fleet")
    os.chmod(place, 0o755)
    with pytest.MonkeyPatch.context() as patch, fleet(place / "servers", servers=1, slots=3) as there:
        patch.setattr(slot_scan, "SERVERS", 5)
        patch.setattr(slot_scan, "SLOTS", 3)
        yield there


@pytest.mark.parametrize("tls", [False, True], ids=["the-cheapest-connection", "as-on-rds"])
def test_both_ways_of_connecting_are_measured(small, tls):
    assert 0 < slot_scan.scan(slot_scan.credentials(small, 5, tls=tls)) < 5
    assert 0 < slot_scan.psql_loop(small, tls=tls) < 10


def test_a_slot_that_is_missed_is_an_error(small, monkeypatch):
    monkeypatch.setattr(slot_scan, "SLOTS", 4)

    with pytest.raises(RuntimeError, match="15 slots"):
        slot_scan.scan(slot_scan.credentials(small, 5, tls=False))


def test_a_dead_server_among_others_costs_its_own_time_only(small):
    row = slot_scan._dead(small)

    assert 5 <= float(row.measured.split()[0]) < 6
    assert row.verdict == "ok"


def test_what_is_measured_is_what_runs():
    """A run reads one server by read_scan under a Deadline, and so does each look of the benchmark."""
    assert facts.read_scan is scanning.read_scan
    assert facts.Deadline is scanning.Deadline


def test_the_benchmark_is_one_of_those_that_make_bench_runs():
    assert "slot_scan" in benchmarks.ALL
