"""Take down, once a day, the migrations whose resources are past the time in their tag `pg-cdc:expires-at`.

Runbook: docs/runbook.md#teardown-sweep. None expires unless its spec says `safety.expires_at`. Each is a run of its own
of `pg_cdc_teardown`, by its spec file. Safe to rerun: a teardown that was started is not started again.
"""

from __future__ import annotations

from datetime import UTC, datetime

from airflow.sdk import Param, chain, dag

from pg_cdc.airflow_versions import RERUN_LATEST
from pg_cdc.operators.teardown.sweep import FIND_TASK, FindExpiredOperator, SweepReportOperator, TriggerTeardownOperator


@dag(
    dag_id="pg_cdc_teardown_sweep",
    schedule="@daily",
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    is_paused_upon_creation=True,
    **RERUN_LATEST,
    tags=["pg-cdc"],
    params={
        "dry_run": Param(False, type="boolean", title="Dry run", description_md="The teardowns only say what would go.")
    },
    doc_md=__doc__,
)
def teardown_sweep() -> None:
    found = FindExpiredOperator(task_id=FIND_TASK)
    trigger = TriggerTeardownOperator.partial(
        task_id="trigger_teardown", map_index_template="{{ task.due['migration'] }}"
    ).expand(due=found.output)
    chain(trigger, SweepReportOperator(task_id="report", trigger_rule="all_done"))


teardown_sweep()
