"""Make a read replica of an RDS for PostgreSQL instance, promote it, or delete one that was made here.

Runbook: docs/runbook.md#read-replicas. The form's *Goal* says what the replica is to be in the end; a dry run says what
that takes. Safe to rerun: what is so already is left alone, and nothing is deleted unless the goal is `gone`.
"""

from __future__ import annotations

from airflow.sdk import chain, dag

from pg_cdc.airflow_versions import RERUN_LATEST
from pg_cdc.config.replica import replica_params
from pg_cdc.operators.approval import ApprovePlanOperator, StopIfDryRunOperator
from pg_cdc.operators.source.replica import (
    DeleteReplicaOperator,
    EnsureReplicaOperator,
    PlanReplicaOperator,
    PromoteReplicaOperator,
)


@dag(
    dag_id="pg_cdc_replica",
    schedule=None,
    catchup=False,
    max_active_runs=8,
    **RERUN_LATEST,
    tags=["pg-cdc"],
    doc_md=__doc__,
)
def replica() -> None:
    chain(
        PlanReplicaOperator(task_id="plan"),
        StopIfDryRunOperator(task_id="stop_if_dry_run"),
        ApprovePlanOperator(task_id="approve_plan"),
        EnsureReplicaOperator(task_id="ensure_replica"),
        PromoteReplicaOperator(task_id="promote_replica"),
        DeleteReplicaOperator(task_id="delete_replica"),
    )


pipeline = replica()
# Given last: Airflow copies the params that a DAG has into every task that is made after them.
pipeline.params = replica_params()
