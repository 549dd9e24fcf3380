"""The DAG of read replicas is wired as its page reads, and deletes nothing by default."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest
from airflow.dag_processing.dagbag import DagBag

from pg_cdc.config.replica import Goal, ReplicaSpec, replica_from_params
from pg_cdc.operators import approval
from pg_cdc.operators.base import CdcOperator
from pg_cdc.spec import migration_from_params
from tests.dags.test_migrate_dag import ROOT

CHAIN = ["plan", "stop_if_dry_run", "approve_plan", "ensure_replica", "promote_replica", "delete_replica"]


@pytest.fixture(scope="module")
def dag():
    bag = DagBag(dag_folder=str(ROOT / "dags" / "replica.py"))
    assert bag.import_errors == {}
    return bag.dags["pg_cdc_replica"]


def test_the_steps_follow_each_other_and_are_told_in_the_runbook(dag):
    page = (ROOT / "docs" / "runbook.md").read_text()

    assert set(dag.task_ids) == set(CHAIN)
    assert all(isinstance(task, CdcOperator) for task in dag.tasks)
    for before, after in pairwise(CHAIN):
        assert dag.get_task(before).downstream_task_ids == {after}
    assert CHAIN[0] == approval.PLAN_TASK
    assert all(f"`{task}`" in page for task in CHAIN)


def test_the_form_makes_nothing_but_a_replica_that_follows_unless_told(dag):
    params = dag.params.dump()

    assert replica_from_params(params) == ReplicaSpec()
    assert replica_from_params(params).goal is Goal.FOLLOWING
    assert migration_from_params(params).source.identifier == "shop"
    assert not [key for key in params if key.startswith(("target_", "tables_", "dms_role_", "teardown_"))]
    assert dag.schedule is None


@pytest.mark.parametrize("database", ["shop", "postgres"])
def test_the_default_target_of_a_migration_is_a_source_like_any_other(dag, database):
    params = dag.params.dump() | {"source_identifier": "shop-replica", "source_database": database}

    migration = migration_from_params(params)

    assert (migration.source.identifier, migration.source.database) == ("shop-replica", database)
    assert migration.target.identifier == "shop-replica"
    assert migration.target.database != database


def test_it_survives_serialisation(dag):
    from airflow.serialization.serialized_objects import DagSerialization

    again = DagSerialization.from_dict(json.loads(json.dumps(DagSerialization.to_dict(dag))))

    assert again.params.dump() == dag.params.dump()
