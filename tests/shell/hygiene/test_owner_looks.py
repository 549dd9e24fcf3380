"""Whether an owner exists is asked in two ways, and only two times no is gone: of DMS, and of real subscribers."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from pg_cdc.decisions.slots.world import Owner, OwnerKind, OwnerState
from pg_cdc.facts.ends import read_source
from pg_cdc.facts.slots.owners import look_for_owner, read_tasks, seen_subscriptions
from pg_cdc.hooks.dms import CdcDmsHook
from pg_cdc.hooks.slots.book import learn
from tests.shell.hygiene.conftest import DMS_OWNER


def look(watched, owner=DMS_OWNER, **kwargs):
    return look_for_owner(watched.migration, owner, **kwargs)


def describes(sandbox, work) -> list[bool]:
    """Return, of each describe of tasks that ``work`` makes, whether it was filtered."""
    before = max((call.number for call in sandbox.log), default=0)
    work()
    calls = [call for call in sandbox.log.since(before) if call.action == "DescribeReplicationTasks"]
    return [bool(call.parameters.get("Filters")) for call in calls]


# A DMS task


def test_a_task_that_is_neither_listed_nor_found_is_gone(watched, sandbox):
    seen = []

    asked = describes(sandbox, lambda: seen.append(look(watched)))

    assert seen[0].state is OwnerState.GONE
    assert sorted(asked) == [False, True]


@pytest.mark.parametrize("fault", ["throttle", "server-error"])
def test_a_task_that_could_not_be_asked_for_is_not_gone(watched, sandbox, fault):
    sandbox.faults.switch_on(fault, service="dms", action="DescribeReplicationTasks", calls=100)

    found = look(watched)

    assert found.state is OwnerState.UNCHECKED
    assert DMS_OWNER.owner_id in found.text or "list" in found.text


@pytest.mark.parametrize("first", [True, False], ids=["the-list-fails", "the-look-by-name-fails"])
def test_one_no_and_one_error_are_not_gone(watched, monkeypatch, first):
    calls = []
    real = CdcDmsHook.tasks

    def sometimes(self, **parameters):
        calls.append(parameters)
        if (len(calls) == 1) is first:
            raise OSError("the line is cut")
        return real(self, **parameters)

    monkeypatch.setattr(CdcDmsHook, "tasks", sometimes)

    assert look(watched).state is OwnerState.UNCHECKED
    assert len(calls) == 2


@pytest.mark.parametrize(
    "arn",
    [
        pytest.param(DMS_OWNER.owner_id.replace("eu-west-1", "us-east-1"), id="another-region"),
        pytest.param(DMS_OWNER.owner_id.replace("123456789012", "999999999999"), id="another-account"),
        pytest.param(DMS_OWNER.owner_id.replace("arn:aws:", "arn:aws-cn:"), id="another-partition"),
        pytest.param(DMS_OWNER.owner_id.replace(":task:", ":rep:"), id="no-task"),
        pytest.param("shop", id="no-arn"),
        pytest.param("", id="nothing"),
    ],
)
def test_a_task_that_could_not_be_there_is_not_gone(watched, arn):
    """Asking one account for another's task gives two times no, and means nothing."""
    assert look(watched, replace(DMS_OWNER, owner_id=arn)).state is OwnerState.UNCHECKED


@pytest.mark.parametrize("kind", [OwnerKind.UNKNOWN, OwnerKind.PHYSICAL_STANDBY])
def test_what_cannot_be_looked_for_is_not_gone(watched, kind):
    assert look(watched, Owner(kind=kind)).state is OwnerState.UNCHECKED


def slot_of(facts, name):
    return next(slot for slot in facts.slots if slot.name == name)


def test_tasks_are_listed_once_for_all_slots_of_a_server(watched, sandbox):
    for _ in range(3):
        watched.make_slot(owner=DMS_OWNER)

    asked = describes(sandbox, watched.facts)

    assert asked.count(False) == 1


def test_the_list_of_tasks_says_why_there_is_none(watched, sandbox):
    arn = read_source(watched.migration).arn
    sandbox.faults.switch_on("throttle", service="dms", calls=100)

    assert read_tasks(watched.migration, source_arn=arn).error == "ThrottlingException"


# Subscriptions


@pytest.fixture
def native(watched):
    """A native subscription that streams; its slot's name is not its own."""
    slot = watched.make_slot(plugin="pgoutput")
    name = f"native_{slot}"
    with watched.on_source() as conn:
        conn.execute("create publication everything for all tables")
    source = watched.source
    place = f"host=localhost port={source.port} dbname={watched.database} user={source.user} password={source.password}"
    with watched.on_target() as conn:
        conn.execute(
            f"create subscription {name} connection '{place} sslmode=require' publication everything"
            f" with (create_slot = false, slot_name = '{slot}', copy_data = false)"
        )
    until_read(watched, slot)
    yield name, slot
    ending = ("disable", "set (slot_name = none)")
    forget(watched, *(f"alter subscription {name} {how}" for how in ending), f"drop subscription if exists {name}")


@pytest.fixture
def pglogical(watched):
    """A pglogical subscription that streams."""
    source = watched.source
    place = f"host=localhost port={source.port} dbname={watched.database} user={source.user} password={source.password}"
    with watched.on_source() as conn:
        conn.execute("create extension pglogical")
        conn.execute("select pglogical.create_node('provider', %s)", (f"{place} sslmode=require",))
        conn.execute("select pglogical.replication_set_add_all_tables('default', array['public'])")
    with watched.on_target() as conn:
        conn.execute("create extension pglogical")
        there = place.replace(str(source.port), str(watched.target.port))
        conn.execute("select pglogical.create_node('subscriber', %s)", (f"{there} sslmode=require",))
        conn.execute(
            "select pglogical.create_subscription('sub', %s, synchronize_data => false)",
            (f"{place} sslmode=require",),
        )
        (slot,) = conn.execute("select sub_slot_name::text from pglogical.subscription").fetchone()
    watched.slots.append(slot)
    until_read(watched, slot)
    yield "sub", slot
    forget(watched, "select pglogical.drop_subscription('sub', true)", "drop extension pglogical cascade")
    with watched.on_source() as conn:
        conn.execute("drop extension if exists pglogical cascade")


def until_read(watched, slot: str) -> None:
    ends = time.monotonic() + 60
    while time.monotonic() < ends:
        with watched.on_source() as conn:
            row = conn.execute("select active from pg_replication_slots where slot_name = %s", (slot,)).fetchone()
        if row and row[0]:
            return
        time.sleep(0.1)
    raise AssertionError(f"nobody reads {slot}")


def forget(watched, *commands: str) -> None:
    with watched.on_target() as conn:
        for command in commands:
            try:
                conn.execute(command)
            except Exception as err:
                print(f"{command}: {err}")


def record(watched, facts, slot):
    with watched.on_source() as conn:
        learn(conn, slot_of(facts, slot), facts.owners[slot])


def test_a_native_subscription_is_learned_and_then_found(watched, native):
    name, slot = native

    facts = watched.facts()

    assert facts.owners[slot].kind is OwnerKind.NATIVE_SUBSCRIPTION
    assert facts.owners[slot].owner_id == f"subscriber/{watched.database}/{name}"
    assert facts.looks[slot].state is OwnerState.EXISTS
    assert any(name in line for line in facts.walsenders)


def test_a_native_subscription_that_was_dropped_is_gone(watched, native):
    name, slot = native
    record(watched, watched.facts(), slot)
    with watched.on_target() as conn:
        conn.execute(f"alter subscription {name} disable")
        conn.execute(f"alter subscription {name} set (slot_name = none)")
        conn.execute(f"drop subscription {name}")

    facts = watched.facts()

    assert facts.owners[slot].kind is OwnerKind.NATIVE_SUBSCRIPTION
    assert facts.looks[slot].state is OwnerState.GONE


@pytest.mark.exhaustive
def test_a_native_subscription_under_a_new_name_is_found_by_its_slot(watched, native):
    name, slot = native
    record(watched, watched.facts(), slot)
    with watched.on_target() as conn:
        conn.execute(f"alter subscription {name} rename to other_{name}")
        try:
            found = watched.facts().looks[slot]
        finally:
            conn.execute(f"alter subscription other_{name} rename to {name}")

    assert found.state is OwnerState.EXISTS


@pytest.mark.exhaustive
def test_a_disabled_subscription_is_still_an_owner(watched, native):
    name, slot = native
    record(watched, watched.facts(), slot)
    with watched.on_target() as conn:
        conn.execute(f"alter subscription {name} disable")

    assert watched.facts().looks[slot].state is OwnerState.EXISTS


def test_a_subscriber_that_gives_no_answer_has_not_lost_its_subscription(watched, native, admin_conn):
    _, slot = native
    record(watched, watched.facts(), slot)
    admin_conn(watched.target, "pg_cdc_target", password="changed-Passw0rd")

    facts = watched.facts()

    assert facts.looks[slot].state is OwnerState.UNCHECKED
    assert "password authentication failed" in facts.looks[slot].text


@pytest.mark.exhaustive
def test_a_subscription_to_another_server_does_not_own_a_slot_of_the_same_name_here(watched, native):
    """It names a slot, and the slot that it names is on the subscriber itself."""
    name, slot = native
    with watched.on_target() as conn:
        conn.execute(f"alter subscription {name} disable")
        conn.execute(f"alter subscription {name} connection 'host=elsewhere.example.com dbname={watched.database}'")

    until_left(watched, slot)
    owner = watched.facts().owners[slot]

    assert owner.kind is OwnerKind.UNKNOWN


def until_left(watched, slot: str) -> None:
    ends = time.monotonic() + 30
    while watched.slot(slot).active:
        assert time.monotonic() < ends
        time.sleep(0.1)


def test_a_pglogical_subscription_is_learned_and_then_gone(watched, pglogical):
    name, slot = pglogical
    facts = watched.facts()
    record(watched, facts, slot)
    with watched.on_target() as conn:
        conn.execute("select pglogical.alter_subscription_disable('sub', true)")
        until_left(watched, slot)
        disabled = watched.facts()
        conn.execute("delete from pglogical.local_sync_status")
        conn.execute("delete from pglogical.subscription")
        half = watched.facts()
        conn.execute("select pg_replication_origin_drop(%s)", (slot,))
    gone = watched.facts()

    assert facts.owners[slot].owner_id == f"subscriber/{watched.database}/{name}"
    states = [one.looks[slot].state.value for one in (facts, disabled, half, gone)]
    assert states == ["exists", "exists", "exists", "gone"]


@pytest.mark.exhaustive
def test_all_subscriptions_of_a_target_are_seen(watched, native):
    name, slot = native

    (seen,) = [one for one in seen_subscriptions(watched.migration) if one.name == name]

    assert (seen.server, seen.database, seen.slot_name, seen.enabled) == ("subscriber", watched.database, slot, True)


@pytest.mark.parametrize("owner_id", ["elsewhere/shop/s", "subscriber", "", "subscriber/shop"])
def test_a_subscription_on_a_server_that_no_spec_names_is_not_gone(watched, owner_id):
    owner = Owner(kind=OwnerKind.NATIVE_SUBSCRIPTION, owner_id=owner_id)

    assert look(watched, owner, slot="s").state is OwnerState.UNCHECKED


def test_a_subscription_whose_slot_is_not_told_is_not_gone(watched):
    owner = Owner(kind=OwnerKind.NATIVE_SUBSCRIPTION, owner_id=f"subscriber/{watched.database}/s")

    assert look(watched, owner).state is OwnerState.UNCHECKED


def test_no_target_is_asked_where_no_subscription_could_read(watched, admin_conn):
    watched.make_slot(owner=DMS_OWNER)
    admin_conn(watched.target, "pg_cdc_target", password="changed-Passw0rd")

    assert watched.facts().identifier == "watched"
