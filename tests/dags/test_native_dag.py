"""The native DAG is wired as its page reads, and holds its snapshot beside the load."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from airflow.dag_processing.dagbag import DagBag

from pg_cdc.operators.base import CdcOperator

ROOT = Path(__file__).resolve().parents[2]
CHAIN = [
    "inspect_source", "preflight", "plan", "stop_if_dry_run", "approve_plan", "take_lease", "ensure_parameter_group",
    "set_parameters", "attach_parameter_group", "reboot_source", "prove_parameters", "ensure_replication_role",
    "ensure_publication", "copy_schema", "ensure_subscription", "load_tables", "build_indexes", "enable_subscription",
    "wait_streaming", "report",
]  # fmt: skip


@pytest.fixture(scope="module")
def bag():
    found = DagBag(str(ROOT / "dags"))
    assert found.import_errors == {}
    return found


@pytest.fixture(scope="module")
def dag(bag):
    return bag.dags["pg_cdc_native"]


def test_the_steps_are_in_order(dag):
    for before, after in pairwise(CHAIN):
        assert before in dag.get_task(after).get_flat_relative_ids(upstream=True), f"{before} is not before {after}"


def test_the_keeper_runs_beside_the_loader_and_both_end_before_the_indexes(dag):
    keeper, loader = dag.get_task("keep_snapshot"), dag.get_task("load_tables")

    assert keeper.upstream_task_ids == loader.upstream_task_ids == {"ensure_subscription"}
    assert dag.get_task("build_indexes").upstream_task_ids == {"keep_snapshot", "load_tables"}


def test_the_lease_is_given_back_before_the_load_ends_whatever_happened(dag):
    release = dag.get_task("release_lease")

    assert release.upstream_task_ids == {"ensure_subscription"}
    assert release.trigger_rule == dag.get_task("report").trigger_rule == "all_done"


def test_the_one_teardown_drops_a_subscription_before_its_slot_and_what_it_read_after_it(bag):
    order = [task.task_id for task in bag.dags["pg_cdc_teardown"].topological_sort()]

    assert order.index("drop_subscription") < order.index("drop_slot") < order.index("remove_native_objects")
    assert order.index("remove_native_objects") < order.index("remove_pglogical") < order.index("restore_parameters")


def test_every_task_is_a_step_and_named_on_its_page(dag):
    page = (ROOT / "docs" / "native.md").read_text()
    between = {"set_parameters", "attach_parameter_group", "reboot_source", "stop_if_dry_run", "approve_plan"}

    assert all(isinstance(task, CdcOperator) for task in dag.tasks)
    for task in set(dag.task_ids) - between - {"take_lease", "release_lease"}:
        assert f"`{task}`" in page, f"docs/native.md does not name {task}"
