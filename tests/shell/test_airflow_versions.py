"""What only a later Airflow has is asked of Airflow itself, so that the DAGs parse on every version we name."""

from __future__ import annotations

import inspect

from airflow.sdk import DAG

from pg_cdc.airflow_versions import RERUN_LATEST


def test_every_dag_argument_is_one_that_this_airflow_takes():
    assert set(RERUN_LATEST) <= set(inspect.signature(DAG.__init__).parameters)
    assert DAG("any", schedule=None, **RERUN_LATEST).dag_id == "any"


def test_a_cleared_task_runs_with_the_dag_as_it_is_now_wherever_airflow_can():
    knows = "rerun_with_latest_version" in inspect.signature(DAG.__init__).parameters

    assert ({"rerun_with_latest_version": True} if knows else {}) == RERUN_LATEST
