"""From wherever a migration stops, a teardown leaves the world as it was before, and a migration runs again."""

from __future__ import annotations

import pytest

from tests.cases import all_but_exhaustive
from tests.shell.teardown.conftest import NOT_RUN, steps_of

STOCK = [
    "plan",
    "take_lease",
    "ensure_parameter_group",
    "set_parameters",
    "attach_parameter_group",
    "reboot_source",
    "prove_parameters",
]
"""Boundaries before anything but the source's configuration is made. A reboot each way costs as much as all else."""

READY = [
    "ensure_dms_role",
    "install_ddl_audit",
    "install_pglogical",
    "canary_ddl",
    "ensure_subnet_group",
    "ensure_replication_instance",
    "ensure_source_endpoint",
    "ensure_target_endpoint",
    "test_source_connection",
    "test_target_connection",
    "ensure_task",
    "start_task",
    "wait_full_load",
    "wait_streaming",
]
"""Boundaries on a source that was ready for change capture before: nothing of its configuration is ours to put back."""

WHOLE = ["record_slot"]
"""The last boundary, on the stock source."""

OWN_INSTANCE = {"ensure_subnet_group", "ensure_replication_instance"}
"""All others use the instance of these tests: one takes longer to make than all that stands on it."""


def assert_taken_down(world, before) -> None:
    report = world.report()
    assert report["status"] == "clean"
    assert {line["fate"] for line in report["lines"]} <= {"gone", "kept"}
    assert {line["kind"] for line in report["lines"] if line["fate"] == "kept"} == {"replicated tables"}
    assert world.fingerprint() == before


def assert_nothing_is_left_to_do(world, mutating_calls) -> None:
    with mutating_calls() as calls:
        again = world.teardown()
    assert set(again) == {"inspect_residue", "residue_report"}
    assert calls == []


def test_every_boundary_is_among_these():
    steps = [task.task_id for task in steps_of("pg_cdc_migrate") if task.task_id not in NOT_RUN]
    looks = {"inspect_source", "preflight", "assess"}  # none has asked for an assessment: test_turning_off.py has one

    assert set(steps) - looks - {"release_lease"} == {*STOCK, *READY, *WHOLE}


@pytest.mark.parametrize("boundary", all_but_exhaustive(STOCK, {"reboot_source"}))
def test_from_a_prefix_that_configures_the_source(world, boundary, mutating_calls):
    before = world.fingerprint()
    world.migrate(upto=boundary, without={"inspect_source", "preflight"})

    world.teardown(without={"inspect_residue"})

    assert_taken_down(world, before)
    assert_nothing_is_left_to_do(world, mutating_calls)


@pytest.mark.parametrize("boundary", all_but_exhaustive(READY, {"start_task"}))
def test_from_a_prefix_on_a_source_that_was_ready(ready_world, boundary, mutating_calls):
    world = ready_world
    if boundary not in OWN_INSTANCE:
        world.share_instance()
    before = world.fingerprint()
    world.migrate(upto=boundary, without={"inspect_source", "preflight", "plan"})

    world.teardown(without={"inspect_residue"})

    assert_taken_down(world, before)
    if boundary in ("install_pglogical", "ensure_replication_instance", "wait_streaming"):
        assert_nothing_is_left_to_do(world, mutating_calls)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.exhaustive
def test_from_a_whole_migration_which_then_runs_again(world, mutating_calls):
    before = world.fingerprint()
    world.migrate()
    world.teardown()
    assert_taken_down(world, before)

    again = world.migrate()
    assert again["wait_streaming"]["facts"]["marker"]["seconds"] > 0
    assert world.sql("select current_setting('wal_level')") == [("logical",)]

    world.teardown(without={"inspect_residue"})
    assert_taken_down(world, before)
    assert_nothing_is_left_to_do(world, mutating_calls)
