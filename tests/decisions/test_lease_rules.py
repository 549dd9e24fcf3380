"""Who may have the lease, for how long, and what is said of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pg_cdc.config import Migration
from pg_cdc.decisions.lease import Lease, describe_lease, is_free, is_held, lease_minutes, owner_name

HELD = Lease(owner="shop / run-1", taken_at="12:00", expires_at="13:00", expired=False)


@pytest.mark.parametrize(
    ("lease", "owner", "free", "held"),
    [
        pytest.param(None, "shop / run-1", True, False, id="nobodys"),
        pytest.param(HELD, "shop / run-1", True, True, id="ones-own"),
        pytest.param(HELD, "shop / run-2", False, False, id="another-runs-of-the-same-migration"),
        pytest.param(replace(HELD, expired=True), "shop / run-2", True, False, id="another-runs-but-expired"),
        pytest.param(replace(HELD, expired=True), "shop / run-1", True, False, id="ones-own-but-expired"),
    ],
)
def test_the_lease_is(lease, owner, free, held):
    assert is_free(lease, owner) is free
    assert is_held(lease, owner) is held


def test_two_runs_of_a_migration_are_two_owners():
    assert owner_name("shop", "manual__1") != owner_name("shop", "manual__2")


def test_a_lease_lasts_longer_than_the_longest_run_may_wait():
    limits = Migration().timeouts

    assert lease_minutes(Migration()) >= limits.instance_minutes + limits.streaming_minutes + 2 * limits.reboot_minutes


@pytest.mark.parametrize(
    ("lease", "text"),
    [
        pytest.param(None, "the lease on shop is free", id="free"),
        pytest.param(HELD, "held by shop / run-1 since 12:00, until 13:00 (release_lease.sql", id="held"),
        pytest.param(replace(HELD, expired=True), "of shop / run-1, expired at 13:00", id="expired"),
    ],
)
def test_a_lease_is_described(lease, text):
    assert text in describe_lease(lease, "shop")
