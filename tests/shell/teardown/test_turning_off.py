"""Only turning logical replication off: the task is stopped, its slot and the parameters go, and DMS stays."""

from __future__ import annotations

import pytest


@pytest.mark.slow
def test_turning_off_keeps_dms_and_a_whole_teardown_takes_the_rest(world):
    before = world.fingerprint()
    world.migrate(without={"inspect_source", "preflight", "plan", "canary_ddl"})
    arns = world.dms_arns()

    told = world.teardown(teardown_scope="logical_replication")

    assert world.report()["status"] == "clean"
    assert world.report()["scope"] == "logical_replication"
    assert told["stop_task"]["changes"] == ["stopped replication task pg-cdc-torn"]
    assert world.dms_arns() == arns
    assert world.hook.task("pg-cdc-torn", settings=False)["Status"] == "stopped"
    assert world.sql("select current_setting('wal_level'), count(*) from pg_replication_slots") == [("replica", 0)]
    assert world.fingerprint()["attached"] == before["attached"]
    assert world.fingerprint()["groups"] == before["groups"]
    assert world.sql("select count(*) from pgcdc.slot_owner") != [(0,)]
    assert set(world.teardown(teardown_scope="logical_replication")) == {"inspect_residue", "residue_report"}

    world.teardown()

    assert world.report()["status"] == "clean"
    assert world.fingerprint() == before
