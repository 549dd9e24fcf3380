"""Waits look at the thing itself, are rebuilt by the triggerer, and a deferred reboot is told like any other."""

from __future__ import annotations

import asyncio
import json
import pkgutil
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from airflow.sdk.exceptions import TaskDeferred

from pg_cdc.config import Migration
from pg_cdc.facts.postgres import read_server
from pg_cdc.operators.source.parameters import (
    AttachParameterGroupOperator,
    RebootSourceOperator,
    SetParametersOperator,
)
from pg_cdc.triggers.wait import WaitTrigger
from pg_cdc.waits.rds import GroupAttached, GroupShows, InstanceAvailable, InstanceRebooted, SettingsInForce
from tests.shell.rds_world import STEPS, TaskInstance, spec

pytestmark = pytest.mark.usefixtures("aws_conn")


@pytest.fixture(scope="module")
def cluster(make_cluster):
    """A stock cluster with a reader, to be deferred."""
    return make_cluster("deferred", readers=1)


@pytest.fixture
def migration(cluster, admin_conn) -> dict:
    admin_conn(cluster)
    return Migration.model_validate(spec("deferred")).model_dump(mode="json")


def started(cluster) -> str:
    with cluster.connect() as conn:
        return read_server(conn).postmaster_started


def trigger_of(wait) -> WaitTrigger:
    """Return the trigger as the triggerer makes it anew."""
    deadline = datetime.now(UTC).timestamp() + 30
    made = WaitTrigger(wait=wait.classpath, arguments=wait.arguments(), poll_seconds=0.1, deadline=deadline)
    _, kwargs = made.serialize()
    return WaitTrigger(**kwargs)


def test_an_available_cluster_is_not_waited_for(migration):
    assert InstanceAvailable(migration=migration).look().done


def test_available_and_in_sync_is_not_a_reboot_while_the_server_runs_on(cluster, migration):
    wait = InstanceRebooted(migration=migration, instance="deferred-1", postmaster_before=started(cluster))

    look = wait.look()

    assert not look.done
    assert "without a reboot" in look.progress


def test_a_server_that_goes_down_while_it_is_asked_is_waited_for(migration, monkeypatch):
    def go_down(conn):
        conn.execute("select pg_terminate_backend(pg_backend_pid())")

    monkeypatch.setattr("pg_cdc.facts.postgres.read_server", go_down)
    wait = InstanceRebooted(migration=migration, instance="deferred-1", postmaster_before="2001-01-01 00:00:00+00")

    look = wait.look()

    assert (look.done, look.progress) == (False, "deferred-1 is going down")


def test_another_start_time_is_a_reboot(migration):
    wait = InstanceRebooted(migration=migration, instance="deferred-1", postmaster_before="2001-01-01 00:00:00+00")

    assert wait.look().done


def test_a_member_that_is_gone_is_not_waited_for(migration):
    assert InstanceRebooted(migration=migration, instance="deferred-9").look().done


def test_a_group_that_is_not_attached_is_waited_for_and_forever(migration):
    wait = GroupAttached(migration=migration, group="another", since=0.0)

    assert not wait.look().done
    assert not replace(wait, since=datetime.now(UTC).timestamp()).look().done


def test_a_group_shows_its_values_or_says_which_not(sandbox, migration):
    clusters = sandbox.client("rds").describe_db_clusters(DBClusterIdentifier="deferred")["DBClusters"]
    group = clusters[0]["DBClusterParameterGroup"]
    wait = GroupShows(migration=migration, group=group, cluster=True, values={"max_replication_slots": "20"})

    assert wait.look().done
    assert "max_replication_slots" in replace(wait, values={"max_replication_slots": "21"}).look().progress


def test_settings_that_wait_for_a_reboot_are_not_in_force(migration):
    assert not SettingsInForce(migration=migration, names=["rds.logical_replication"]).look().done
    assert SettingsInForce(migration=migration, names=["max_replication_slots"]).look().done


@pytest.mark.parametrize(
    "wait",
    [
        InstanceAvailable(migration={"name": "orders"}),
        GroupAttached(migration={"name": "orders"}, group="own", since=1.5),
        GroupShows(migration={"name": "orders"}, group="own", cluster=True, values={"a": "1"}),
        InstanceRebooted(migration={"name": "orders"}, instance="shop-1", postmaster_before="2026"),
        SettingsInForce(migration={"name": "orders"}, names=["a"]),
    ],
    ids=lambda wait: type(wait).__name__,
)
def test_a_wait_survives_the_triggerer(wait):
    trigger = trigger_of(wait)

    kwargs = json.loads(json.dumps(trigger.arguments))
    assert pkgutil.resolve_name(trigger.wait)(**kwargs) == wait


async def test_the_trigger_looks_at_the_real_thing(migration):
    events = [event.payload async for event in trigger_of(InstanceAvailable(migration=migration)).run()]

    assert events == [{"end": "done"}]


async def run_deferred(step, migration) -> tuple[dict, int]:
    """Run a step without patience, each wait in a real trigger; return what it said, and how often it was deferred."""
    operator = step(task_id="step", migration=migration, patience_seconds=0)
    context = {"params": {}, "ti": TaskInstance()}
    deferrals, call, event = 0, operator.execute, []
    while True:
        try:
            return await asyncio.to_thread(call, context, *event), deferrals
        except TaskDeferred as deferred:
            deferrals += 1
            path, kwargs = deferred.trigger.serialize()
            assert path == "pg_cdc.triggers.wait.WaitTrigger"
            (payload,) = [one.payload async for one in WaitTrigger(**{**kwargs, "poll_seconds": 0.1}).run()]
            call, event = getattr(operator, deferred.method_name), [payload]


async def test_deferred_steps_tell_what_they_did_before_the_deferral(cluster, migration):
    """A step holds no worker while an instance restarts, and runs from the top after each wait."""
    told = {step: await run_deferred(step, migration) for step in STEPS}

    assert sum(deferrals for _, deferrals in told.values()) >= 1
    assert [change.split()[0] for change in told[SetParametersOperator][0]["changes"]] == [
        "rds.logical_replication",
        "shared_preload_libraries",
        "max_worker_processes",
    ]
    assert told[AttachParameterGroupOperator][0]["changes"][0].startswith("attached pg-cdc-deferred")
    told = told[RebootSourceOperator][0]
    assert [one["instance"] for one in told["facts"]["reboots"]] == ["deferred-1", "deferred-2"]
    assert [change.split(":")[0] for change in told["changes"]] == ["rebooted deferred-1", "rebooted deferred-2"]
