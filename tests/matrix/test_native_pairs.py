"""A whole native migration between two major versions, each step twice, and both teardowns after it."""

from __future__ import annotations

import pytest

from sandbox.demo.compare import compare_schema, drain
from tests.shell.native.shop import SHOP
from tests.shell.native.test_native_path import change_every_table


@pytest.mark.timeout(1800)
def test_a_native_migration_streams_is_equal_and_is_taken_down_again(pair, make_migration):
    world = make_migration("native", SHOP)
    before = world.fingerprint()

    said = world.twice("pg_cdc_native")

    assert said["wait_streaming"]["facts"]["slot"]["active"]
    with world.source.connect(world.spec["source"]["database"]) as source:
        change_every_table(source)
        drain(source)
        with world.target.connect(world.spec["target"]["database"]) as target:
            verdicts = compare_schema(source, target, "shop")
    assert [verdict for verdict in verdicts if not verdict.equal] == []
    assert len(verdicts) > 5

    world.twice("pg_cdc_teardown")

    assert world.report()["status"] == "clean"
    assert world.fingerprint() == before
