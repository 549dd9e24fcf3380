"""From nothing to a proved stream, each step twice: the second time nothing is left to do."""

from __future__ import annotations

import pytest

from pg_cdc.operators.dms.resources import (
    EnsureEndpointOperator,
    EnsureReplicationInstanceOperator,
    EnsureSubnetGroupOperator,
    TestConnectionOperator,
)
from pg_cdc.operators.dms.streaming import RecordSlotOperator, WaitStreamingOperator
from pg_cdc.operators.dms.task import EnsureTaskOperator, StartTaskOperator, WaitFullLoadOperator
from tests.shell.dms.conftest import ROLE_PASSWORD

ROAD = [
    (EnsureSubnetGroupOperator, {}),
    (EnsureReplicationInstanceOperator, {}),
    (EnsureEndpointOperator, {"end": "source"}),
    (EnsureEndpointOperator, {"end": "target"}),
    (TestConnectionOperator, {"end": "source"}),
    (TestConnectionOperator, {"end": "target"}),
    (EnsureTaskOperator, {}),
    (StartTaskOperator, {}),
    (WaitFullLoadOperator, {}),
    (WaitStreamingOperator, {}),
    (RecordSlotOperator, {}),
]
LEDGER = "select slot_name, owner_kind, owner_id, migration, plugin, how, recorded_at from pgcdc.slot_owner"


def test_each_step_has_nothing_to_do_the_second_time(world, no_calls, caplog):
    caplog.set_level("INFO")
    for operator, kwargs in ROAD:
        first = world.run(operator, **kwargs)
        with no_calls():
            again = world.run(operator, **kwargs)
        assert again["changes"] == [], operator
        assert first["facts"].keys() == again["facts"].keys(), operator

    marker, ledger = world.sql("source", "select * from pgcdc.marker"), world.sql("source", LEDGER)
    with no_calls():
        for operator, kwargs in ROAD:
            assert world.run(operator, **kwargs)["changes"] == [], operator

    assert world.sql("source", "select * from pgcdc.marker") == marker
    assert world.sql("source", LEDGER) == ledger
    assert world.sql("target", "select count(*) from shop.orders") == [(200,)]
    assert ROLE_PASSWORD not in caplog.text
    assert world.source.password not in caplog.text


@pytest.mark.exhaustive
def test_the_report_gets_the_marker_and_the_slot_from_a_rerun_too(world):
    world.share_instance()
    world.stream()

    facts = world.run(WaitStreamingOperator)["facts"]

    (slot,) = world.sql("source", "select slot_name from pg_replication_slots where database = current_database()")
    assert facts["slot"]["name"] == slot[0]
    assert facts["slot"]["active"] is True
    assert facts["slot"]["plugin"] == "test_decoding"
    assert 0 < facts["marker"]["seconds"] < 30


def test_the_ledger_names_the_task_as_the_owner(world):
    world.share_instance()
    world.stream()

    (row,) = world.sql("source", LEDGER)

    assert row[1:4] == ("dms-task", world.task()["ReplicationTaskArn"], world.spec["name"])
    assert row[5]


@pytest.mark.exhaustive
def test_a_change_after_the_proof_arrives(world):
    world.share_instance()
    world.stream()

    world.sql("source", "update shop.orders set total = 42 where id = 7")

    world.wait(lambda: world.sql("target", "select total from shop.orders where id = 7"), lambda rows: rows[0][0] == 42)


@pytest.mark.exhaustive
def test_every_resource_is_tagged_as_ours(world):
    world.load()
    hook = world.hook
    arns = [
        hook.instance(world.name)["ReplicationInstanceArn"],
        hook.endpoint(f"{world.name}-source")["EndpointArn"],
        hook.endpoint(f"{world.name}-target")["EndpointArn"],
        world.task()["ReplicationTaskArn"],
        f"arn:aws:dms:eu-west-1:123456789012:subgrp:{world.name}",
    ]

    assert [hook.tags(arn) for arn in arns] == [{"pg-cdc:migration": world.spec["name"]}] * 5


@pytest.mark.parametrize("operator", [WaitStreamingOperator, RecordSlotOperator], ids=lambda o: o.__name__)
def test_a_full_load_only_migration_has_no_stream_to_wait_for(world, operator, no_calls):
    world.spec["replication"] = {"migration_type": "full-load", "plugin": "test_decoding"}

    with no_calls():
        outcome = world.run(operator)

    assert "not asked for" in outcome["facts"]["streaming"]


def test_a_full_load_only_migration_ends_and_is_not_started_again(world, no_calls):
    world.spec["replication"] = {"migration_type": "full-load", "plugin": "test_decoding"}
    world.share_instance()
    world.load()

    assert world.task()["Status"] == "stopped"
    with no_calls():
        assert world.run(StartTaskOperator)["facts"]["action"] == "nothing"
        assert world.run(WaitFullLoadOperator)["facts"]["load"] == "done"
    assert world.sql("target", "select count(*) from shop.customers") == [(50,)]
