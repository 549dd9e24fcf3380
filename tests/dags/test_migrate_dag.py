"""The DAG is wired as the runbook reads, and survives serialisation."""

from __future__ import annotations

import json
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.sdk import Param
from airflow.sdk.exceptions import ParamValidationError

from pg_cdc.config import Migration
from pg_cdc.form import dms_params, migration_params, native_params
from pg_cdc.operators.base import CdcOperator
from pg_cdc.spec import migration_from_params

ROOT = Path(__file__).resolve().parents[2]
CHAIN = [
    "inspect_source",
    "preflight",
    "plan",
    "stop_if_dry_run",
    "approve_plan",
    "take_lease",
    "ensure_parameter_group",
    "set_parameters",
    "attach_parameter_group",
    "reboot_source",
    "prove_parameters",
    "ensure_dms_role",
    "install_ddl_audit",
    "install_pglogical",
    "canary_ddl",
    "ensure_subnet_group",
    "ensure_replication_instance",
    "ensure_source_endpoint",
    "test_source_connection",
    "ensure_task",
    "assess",
    "start_task",
    "wait_full_load",
    "wait_streaming",
    "record_slot",
    "report",
]


@pytest.fixture(scope="module")
def bag() -> DagBag:
    return DagBag(dag_folder=str(ROOT / "dags" / "migrate.py"))


@pytest.fixture(scope="module")
def dag(bag):
    return bag.dags["pg_cdc_migrate"]


def test_the_dag_imports_without_errors(bag):
    assert bag.import_errors == {}
    assert list(bag.dags) == ["pg_cdc_migrate"]


def test_the_steps_are_those_of_the_runbook_and_follow_each_other(dag):
    beside = {"ensure_target_endpoint", "test_target_connection", "release_lease"}
    assert set(dag.task_ids) - set(CHAIN) == beside
    for before, after in pairwise(CHAIN):
        assert after in dag.get_task(before).downstream_task_ids, f"{before} -> {after}"


def test_both_endpoints_are_made_and_tested_before_the_task(dag):
    for end in ("source", "target"):
        ensured = dag.get_task(f"ensure_{end}_endpoint")
        assert f"test_{end}_connection" in ensured.downstream_task_ids
        assert "ensure_task" in dag.get_task(f"test_{end}_connection").downstream_task_ids


def test_the_lease_is_given_back_when_the_task_has_its_slot_and_not_only_after_a_load_of_days(dag):
    assert dag.get_task("release_lease").upstream_task_ids == {"start_task"}
    assert dag.get_task("release_lease").downstream_task_ids == {"report"}


def test_every_task_is_a_step(dag):
    assert all(isinstance(task, CdcOperator) for task in dag.tasks)


def test_the_last_two_run_whatever_happens_and_only_they(dag):
    always = [task.task_id for task in dag.tasks if task.trigger_rule == "all_done"]

    assert always == ["release_lease", "report"]


def test_two_migrations_may_run_at_once_and_a_cleared_run_gets_the_code_of_today(dag):
    assert dag.max_active_runs > 1
    assert getattr(dag, "rerun_with_latest_version", True) is True  # 3.2 has no such argument
    assert dag.schedule is None
    assert dag.doc_md
    assert dag.tags == {"pg-cdc"}


def test_every_task_id_that_a_step_refers_to_exists(dag):
    from pg_cdc.operators import approval, report

    assert approval.PLAN_TASK in dag.task_ids
    named = {"plan", "approve_plan", "reboot_source", "prove_parameters"}
    assert named <= set(dag.task_ids)
    source = Path(report.__file__).read_text()
    assert all(f'"{task_id}"' in source for task_id in named)


def test_the_dag_survives_serialisation(dag):
    from airflow.serialization.serialized_objects import DagSerialization

    data = json.loads(json.dumps(DagSerialization.to_dict(dag)))

    again = DagSerialization.from_dict(data)
    assert set(again.task_ids) == set(dag.task_ids)
    assert again.params.dump() == dag.params.dump()


def test_the_plugins_scan_finds_no_error_and_puts_no_bare_name_in_sys_modules():
    script = f"""
import sys
sys.path.insert(0, {str(ROOT / "plugins")!r})
from pathlib import Path
from airflow.plugins_manager import get_import_errors
errors = get_import_errors()
stems = {{p.stem for p in Path({str(ROOT / "plugins" / "pg_cdc")!r}).rglob("*.py")}} - {{"__init__"}}
ours = [n for n in stems if n in sys.modules and "pg_cdc" in str(getattr(sys.modules[n], "__file__", ""))]
print(errors, ours)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=500)

    assert done.stdout.splitlines()[-1] == "{} []"


PARAMS = migration_params()


def test_the_form_has_a_param_for_every_field_of_the_spec():
    fields = {"name", "spec_file"}
    for section, described in Migration.model_fields.items():
        if section != "name":
            fields |= {f"{section}_{field}" for field in described.annotation.model_fields}

    assert set(PARAMS) == fields


@pytest.mark.parametrize(
    ("params", "left_out"),
    [
        pytest.param(dms_params, {"native"}, id="dms"),
        pytest.param(native_params, {"lake", "replication", "assessment"}, id="native"),
    ],
)
def test_a_road_asks_for_nothing_that_it_does_not_read(params, left_out):
    asked = {next((name for name in Migration.model_fields if key.startswith(f"{name}_")), key) for key in params()}

    assert asked == set(Migration.model_fields) - left_out | {"spec_file"}


@pytest.mark.parametrize("key", PARAMS)
def test_a_param_takes_its_own_default_and_says_what_it_is(key):
    param = PARAMS[key]

    assert param.resolve() == param.value
    assert param.schema["description_md"]
    assert param.schema["section"]
    assert param.schema["title"]


def test_the_form_as_it_opens_is_the_default_migration():
    assert migration_from_params({key: param.value for key, param in PARAMS.items()}) == Migration()


@pytest.mark.parametrize(
    ("key", "value"),
    [
        pytest.param("name", "Shop 1", id="name"),
        pytest.param("name", "a" * 31, id="name-too-long"),
        pytest.param("source_identifier", "Shop_", id="identifier"),
        pytest.param("source_identifier", None, id="identifier-empty"),
        pytest.param("replication_migration_type", "cdc-only", id="migration-type"),
        pytest.param("replication_plugin", "wal2json", id="plugin"),
        pytest.param("replication_allocated_storage_gb", 1, id="storage"),
        pytest.param("target_port", 70000, id="port"),
        pytest.param("tables_rules", [], id="no-rules"),
        pytest.param("tables_rules", "shop.%", id="rules-not-a-list"),
        pytest.param("timeouts_poll_seconds", 301, id="poll-seconds"),
        pytest.param("safety_dry_run", "yes", id="not-a-truth"),
        pytest.param("spec_file", "../shop.yaml", id="path"),
        pytest.param("dms_role_secret_arn", "shop/dms", id="not-an-arn"),
    ],
)
def test_the_form_itself_refuses(key, value):
    with pytest.raises(ParamValidationError):
        Param(**_arguments(key)).resolve(value)


@pytest.mark.parametrize(
    ("key", "value"),
    [("target_identifier", None), ("target_port", None), ("aws_region", None), ("spec_file", "shop.yaml")],
)
def test_the_form_takes(key, value):
    assert Param(**_arguments(key)).resolve(value) == value


def _arguments(key: str) -> dict:
    """Return what makes a param of its own: resolving keeps the value in it."""
    return {"default": PARAMS[key].value, **PARAMS[key].schema}
