"""Take a live PostgreSQL on RDS or Aurora to a streaming replica by PostgreSQL's own logical replication, without DMS.

Runbook: docs/native.md. Safe to rerun: every task first looks at what exists, and changes nothing that is so already.
Clear a failed task and the run picks up where things stand; a load goes on table by table.
"""

from __future__ import annotations

from airflow.sdk import chain, dag, task_group

from pg_cdc.airflow_versions import RERUN_LATEST
from pg_cdc.form import native_params
from pg_cdc.operators.approval import ApprovePlanOperator, StopIfDryRunOperator
from pg_cdc.operators.lease import ReleaseLeaseOperator, TakeLeaseOperator
from pg_cdc.operators.native.indexes import BuildIndexesOperator
from pg_cdc.operators.native.inspect import NativeInspectOperator, NativePlanOperator, NativePreflightOperator
from pg_cdc.operators.native.keeper import KeepSnapshotOperator
from pg_cdc.operators.native.load import LoadTablesOperator
from pg_cdc.operators.native.prepare import (
    CopySchemaOperator,
    EnsurePublicationOperator,
    EnsureSubscriptionOperator,
)
from pg_cdc.operators.native.report import NativeReportOperator
from pg_cdc.operators.native.source import (
    NativeAttachGroupOperator,
    NativeParameterGroupOperator,
    NativeProveParametersOperator,
    NativeRebootOperator,
    NativeSetParametersOperator,
)
from pg_cdc.operators.native.stream import EnableSubscriptionOperator, WaitNativeStreamingOperator
from pg_cdc.operators.source.bootstrap import EnsureDmsRoleOperator


@dag(
    dag_id="pg_cdc_native",
    schedule=None,
    catchup=False,
    max_active_runs=8,
    **RERUN_LATEST,
    tags=["pg-cdc"],
    doc_md=__doc__,
)
def native() -> None:
    @task_group(prefix_group_id=False)
    def inspect() -> None:
        chain(
            NativeInspectOperator(task_id="inspect_source"),
            NativePreflightOperator(task_id="preflight"),
            NativePlanOperator(task_id="plan"),
        )

    @task_group(prefix_group_id=False)
    def configure_source() -> None:
        chain(
            NativeParameterGroupOperator(task_id="ensure_parameter_group"),
            NativeSetParametersOperator(task_id="set_parameters"),
            NativeAttachGroupOperator(task_id="attach_parameter_group"),
            NativeRebootOperator(task_id="reboot_source"),
            NativeProveParametersOperator(task_id="prove_parameters"),
        )

    @task_group(prefix_group_id=False)
    def prepare() -> None:
        subscribe = EnsureSubscriptionOperator(task_id="ensure_subscription")
        chain(
            EnsureDmsRoleOperator(task_id="ensure_replication_role"),
            EnsurePublicationOperator(task_id="ensure_publication"),
            CopySchemaOperator(task_id="copy_schema"),
            subscribe,
        )

    @task_group(prefix_group_id=False)
    def load() -> None:
        # Beside each other: the keeper outlives a loader that is killed, and the loader goes on from its snapshot.
        chain(
            [KeepSnapshotOperator(task_id="keep_snapshot"), LoadTablesOperator(task_id="load_tables")],
            BuildIndexesOperator(task_id="build_indexes"),
        )

    @task_group(prefix_group_id=False)
    def stream() -> None:
        chain(
            EnableSubscriptionOperator(task_id="enable_subscription"),
            WaitNativeStreamingOperator(task_id="wait_streaming"),
        )

    prepared = prepare()
    chain(
        inspect(),
        StopIfDryRunOperator(task_id="stop_if_dry_run"),
        ApprovePlanOperator(task_id="approve_plan"),
        TakeLeaseOperator(task_id="take_lease"),
        configure_source(),
        prepared,
        load(),
        stream(),
        NativeReportOperator(task_id="report", trigger_rule="all_done"),
    )
    # A load may take days: the next run on the cluster waits only until this one has its subscription.
    chain(prepared, ReleaseLeaseOperator(task_id="release_lease", trigger_rule="all_done"))


pipeline = native()
# Given last: Airflow copies the params that a DAG has into every task that is made after them.
pipeline.params = native_params()
