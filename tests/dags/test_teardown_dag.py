"""The teardown and its sweep are wired as the runbook reads, and survive serialisation."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest
from airflow.dag_processing.dagbag import DagBag

from pg_cdc.config import Migration
from pg_cdc.config.teardown import Teardown, teardown_from_params
from pg_cdc.operators.base import CdcOperator
from pg_cdc.operators.teardown import sweep
from pg_cdc.operators.teardown import whole as teardown
from pg_cdc.spec import migration_from_params
from tests.dags.test_migrate_dag import ROOT

CHAIN = [
    "inspect_residue",
    "stop_if_dry_run",
    "approve_teardown",
    "take_lease",
    "stop_task",
    "delete_task",
    "drop_subscription",
    "drop_slot",
    "delete_endpoints",
    "delete_replication_instance",
    "delete_subnet_group",
    "remove_ddl_audit",
    "remove_native_objects",
    "remove_pglogical",
    "drop_dms_role",
    "remove_target_tables",
    "restore_parameters",
    "reboot_source",
    "prove_restored",
    "delete_parameter_group",
    "remove_control_schema",
    "release_lease",
    "residue_report",
]
SWEEP = ["find_expired", "trigger_teardown", "report"]


@pytest.fixture(scope="module")
def dags():
    found = {}
    for name in ("teardown", "teardown_sweep"):
        bag = DagBag(dag_folder=str(ROOT / "dags" / f"{name}.py"))
        assert bag.import_errors == {}
        found |= bag.dags
    return found


@pytest.fixture(scope="module")
def dag(dags):
    return dags["pg_cdc_teardown"]


@pytest.mark.parametrize(("dag_id", "chain"), [("pg_cdc_teardown", CHAIN), ("pg_cdc_teardown_sweep", SWEEP)])
def test_the_steps_are_those_of_the_runbook_and_follow_each_other(dags, dag_id, chain):
    dag = dags[dag_id]
    assert set(dag.task_ids) == set(chain)
    for before, after in pairwise(chain):
        assert after in dag.get_task(before).downstream_task_ids, f"{before} -> {after}"


def test_nothing_but_the_report_and_the_lease_runs_after_a_failure(dag):
    assert [task.task_id for task in dag.tasks if task.trigger_rule == "all_done"] == [
        "release_lease",
        "residue_report",
    ]


def test_every_task_is_a_step(dag):
    assert all(isinstance(task, CdcOperator) for task in dag.tasks)


def test_the_parameters_go_back_only_after_the_slots_and_the_books_go_last(dag):
    order = [task.task_id for task in dag.topological_sort()]

    assert order.index("delete_task") < order.index("drop_slot") < order.index("restore_parameters")
    assert order.index("remove_pglogical") < order.index("restore_parameters") < order.index("prove_restored")
    assert order.index("prove_restored") < order.index("delete_parameter_group")
    assert order.index("delete_parameter_group") < order.index("remove_control_schema")


def test_every_task_id_that_a_step_refers_to_exists(dags):
    assert {teardown.INSPECT_TASK, teardown.APPROVE_TASK, "take_lease"} <= set(dags["pg_cdc_teardown"].task_ids)
    assert sweep.FIND_TASK in dags["pg_cdc_teardown_sweep"].task_ids
    assert sweep.TEARDOWN_DAG in dags


def test_the_form_says_dry_run_first_and_makes_both_parts_of_the_run(dag):
    params = dag.params.dump()

    assert next(iter(params)) == "teardown_dry_run"
    assert params["teardown_dry_run"] is True
    assert teardown_from_params(params) == Teardown()
    assert migration_from_params(params) == Migration()


def test_the_form_takes_what_can_be_kept_and_nothing_else(dag):
    assert dag.params.get_param("teardown_keep").resolve(["dms_role"]) == ["dms_role"]
    with pytest.raises(Exception, match="everything"):
        dag.params.get_param("teardown_keep").resolve(["everything"])


def test_neither_runs_by_itself_before_somebody_wants_it(dags):
    assert dags["pg_cdc_teardown"].schedule is None
    assert dags["pg_cdc_teardown_sweep"].is_paused_upon_creation
    assert not dags["pg_cdc_teardown_sweep"].catchup
    assert dags["pg_cdc_teardown_sweep"].max_active_runs == 1
    for dag in dags.values():
        assert dag.doc_md
        assert dag.tags == {"pg-cdc"}
        assert getattr(dag, "rerun_with_latest_version", True) is True  # 3.2 has no such argument


def test_the_dags_survive_serialisation(dags):
    from airflow.serialization.serialized_objects import DagSerialization

    for dag in dags.values():
        again = DagSerialization.from_dict(json.loads(json.dumps(DagSerialization.to_dict(dag))))
        assert set(again.task_ids) == set(dag.task_ids)
        assert again.params.dump() == dag.params.dump()
