"""Take a migration down from whatever state it is in, in the one order that loses nothing, and prove what is left.

Runbook: docs/runbook.md#teardown. The first run is a dry run: it says what would go, what would stay and why. Safe to
rerun, after a crash too: what is gone already is not asked for again, and a second teardown changes nothing.
"""

from __future__ import annotations

from airflow.sdk import chain, dag, task_group

from pg_cdc.airflow_versions import RERUN_LATEST
from pg_cdc.config.teardown import teardown_params
from pg_cdc.operators.native.teardown import DropSubscriptionOperator, RemoveNativeObjectsOperator
from pg_cdc.operators.teardown.dms import (
    DeleteEndpointsOperator,
    DeleteReplicationInstanceOperator,
    DeleteSubnetGroupOperator,
    DeleteTaskOperator,
    StopTaskOperator,
)
from pg_cdc.operators.teardown.restore import (
    DeleteParameterGroupOperator,
    ProveRestoredOperator,
    RestoreParametersOperator,
)
from pg_cdc.operators.teardown.restore_reboot import RebootRestoredOperator
from pg_cdc.operators.teardown.sql import (
    DropDmsRoleOperator,
    DropSlotOperator,
    RemoveControlSchemaOperator,
    RemoveDdlAuditOperator,
    RemovePglogicalOperator,
    RemoveTargetTablesOperator,
)
from pg_cdc.operators.teardown.whole import (
    ApproveTeardownOperator,
    InspectResidueOperator,
    ReleaseTeardownLeaseOperator,
    ResidueReportOperator,
    StopIfNothingToDoOperator,
    TakeTeardownLeaseOperator,
)


@dag(
    dag_id="pg_cdc_teardown",
    schedule=None,
    catchup=False,
    max_active_runs=8,
    **RERUN_LATEST,
    tags=["pg-cdc"],
    doc_md=__doc__,
)
def teardown() -> None:
    @task_group(prefix_group_id=False)
    def stop_replicating() -> None:
        chain(
            StopTaskOperator(task_id="stop_task"),
            DeleteTaskOperator(task_id="delete_task"),
            DropSubscriptionOperator(task_id="drop_subscription"),
            DropSlotOperator(task_id="drop_slot"),
        )

    @task_group(prefix_group_id=False)
    def delete_dms() -> None:
        chain(
            DeleteEndpointsOperator(task_id="delete_endpoints"),
            DeleteReplicationInstanceOperator(task_id="delete_replication_instance"),
            DeleteSubnetGroupOperator(task_id="delete_subnet_group"),
        )

    @task_group(prefix_group_id=False)
    def clean_databases() -> None:
        chain(
            RemoveDdlAuditOperator(task_id="remove_ddl_audit"),
            RemoveNativeObjectsOperator(task_id="remove_native_objects"),
            RemovePglogicalOperator(task_id="remove_pglogical"),
            DropDmsRoleOperator(task_id="drop_dms_role"),
            RemoveTargetTablesOperator(task_id="remove_target_tables"),
        )

    @task_group(prefix_group_id=False)
    def restore_source() -> None:
        chain(
            RestoreParametersOperator(task_id="restore_parameters"),
            RebootRestoredOperator(task_id="reboot_source"),
            ProveRestoredOperator(task_id="prove_restored"),
            DeleteParameterGroupOperator(task_id="delete_parameter_group"),
            RemoveControlSchemaOperator(task_id="remove_control_schema"),
        )

    chain(
        InspectResidueOperator(task_id="inspect_residue"),
        StopIfNothingToDoOperator(task_id="stop_if_dry_run"),
        ApproveTeardownOperator(task_id="approve_teardown"),
        TakeTeardownLeaseOperator(task_id="take_lease"),
        stop_replicating(),
        delete_dms(),
        clean_databases(),
        restore_source(),
        ReleaseTeardownLeaseOperator(task_id="release_lease", trigger_rule="all_done"),
        ResidueReportOperator(task_id="residue_report", trigger_rule="all_done"),
    )


pipeline = teardown()
# Given last: Airflow copies the params that a DAG has into every task that is made after them.
pipeline.params = teardown_params()
