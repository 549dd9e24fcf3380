"""Take a live PostgreSQL on RDS or Aurora from stock settings to a streaming CDC replica.

Runbook: docs/runbook.md#migrate. Safe to rerun: every task first looks at what exists, and changes nothing that is so
already. Clear a failed task and the run picks up where things stand.
"""

from __future__ import annotations

from airflow.sdk import chain, dag, task_group

from pg_cdc.airflow_versions import RERUN_LATEST
from pg_cdc.form import dms_params
from pg_cdc.operators.approval import ApprovePlanOperator, StopIfDryRunOperator
from pg_cdc.operators.dms.assess import AssessTaskOperator
from pg_cdc.operators.dms.resources import (
    EnsureEndpointOperator,
    EnsureReplicationInstanceOperator,
    EnsureSubnetGroupOperator,
    TestConnectionOperator,
)
from pg_cdc.operators.dms.streaming import RecordSlotOperator, WaitStreamingOperator
from pg_cdc.operators.dms.task import EnsureTaskOperator, StartTaskOperator, WaitFullLoadOperator
from pg_cdc.operators.lease import ReleaseLeaseOperator, TakeLeaseOperator
from pg_cdc.operators.report import ReportOperator
from pg_cdc.operators.source.bootstrap import (
    CanaryDdlOperator,
    EnsureDmsRoleOperator,
    InstallDdlAuditOperator,
    InstallPglogicalOperator,
)
from pg_cdc.operators.source.inspect import InspectSourceOperator, PlanOperator, PreflightOperator
from pg_cdc.operators.source.parameters import (
    AttachParameterGroupOperator,
    EnsureParameterGroupOperator,
    ProveParametersOperator,
    RebootSourceOperator,
    SetParametersOperator,
)


@dag(
    dag_id="pg_cdc_migrate",
    schedule=None,
    catchup=False,
    max_active_runs=8,
    **RERUN_LATEST,
    tags=["pg-cdc"],
    doc_md=__doc__,
)
def migrate() -> None:
    @task_group(prefix_group_id=False)
    def inspect() -> None:
        chain(
            InspectSourceOperator(task_id="inspect_source"),
            PreflightOperator(task_id="preflight"),
            PlanOperator(task_id="plan"),
        )

    @task_group(prefix_group_id=False)
    def configure_source() -> None:
        chain(
            EnsureParameterGroupOperator(task_id="ensure_parameter_group"),
            SetParametersOperator(task_id="set_parameters"),
            AttachParameterGroupOperator(task_id="attach_parameter_group"),
            RebootSourceOperator(task_id="reboot_source"),
            ProveParametersOperator(task_id="prove_parameters"),
        )

    @task_group(prefix_group_id=False)
    def bootstrap_source() -> None:
        chain(
            EnsureDmsRoleOperator(task_id="ensure_dms_role"),
            InstallDdlAuditOperator(task_id="install_ddl_audit"),
            InstallPglogicalOperator(task_id="install_pglogical"),
            CanaryDdlOperator(task_id="canary_ddl"),
        )

    @task_group(prefix_group_id=False)
    def provision_dms() -> None:
        chain(
            EnsureSubnetGroupOperator(task_id="ensure_subnet_group"),
            EnsureReplicationInstanceOperator(task_id="ensure_replication_instance"),
            [
                EnsureEndpointOperator(task_id="ensure_source_endpoint", end="source"),
                EnsureEndpointOperator(task_id="ensure_target_endpoint", end="target"),
            ],
            [
                TestConnectionOperator(task_id="test_source_connection", end="source"),
                TestConnectionOperator(task_id="test_target_connection", end="target"),
            ],
        )

    @task_group(prefix_group_id=False)
    def replicate() -> None:
        start = StartTaskOperator(task_id="start_task")
        chain(
            EnsureTaskOperator(task_id="ensure_task"),
            AssessTaskOperator(task_id="assess"),
            start,
            WaitFullLoadOperator(task_id="wait_full_load"),
            WaitStreamingOperator(task_id="wait_streaming"),
            RecordSlotOperator(task_id="record_slot"),
        )
        # A load may take days: the next run on the cluster waits only until this one has its slot.
        chain(start, ReleaseLeaseOperator(task_id="release_lease", trigger_rule="all_done"))

    chain(
        inspect(),
        StopIfDryRunOperator(task_id="stop_if_dry_run"),
        ApprovePlanOperator(task_id="approve_plan"),
        TakeLeaseOperator(task_id="take_lease"),
        configure_source(),
        bootstrap_source(),
        provision_dms(),
        replicate(),
        ReportOperator(task_id="report", trigger_rule="all_done"),
    )


pipeline = migrate()
# Given last: Airflow copies the params that a DAG has into every task that is made after them.
pipeline.params = dms_params()
