"""Keep every registered PostgreSQL safe from abandoned replication slots, and drop none that somebody needs.

Runbook: docs/runbook.md#slot-hygiene. A dry run unless told otherwise; alarms are real in any case. Safe to rerun: a
run for an interval of the past, such as one of a backfill, only reports what was seen then.
"""

from __future__ import annotations

from datetime import UTC, datetime

from airflow.sdk import CronDataIntervalTimetable, chain, dag

from pg_cdc.airflow_versions import RERUN_LATEST
from pg_cdc.config.hygiene import hygiene_params, hygiene_schedule
from pg_cdc.operators.hygiene.alarms import RaiseAlarmsOperator
from pg_cdc.operators.hygiene.check import CheckSourceOperator
from pg_cdc.operators.hygiene.decide import ApproveDropsOperator, DecideOperator
from pg_cdc.operators.hygiene.drop import DropOrphansOperator
from pg_cdc.operators.hygiene.report import HygieneReportOperator
from pg_cdc.operators.hygiene.step import ListSourcesOperator


@dag(
    dag_id="pg_cdc_slot_hygiene",
    schedule=CronDataIntervalTimetable(hygiene_schedule(), timezone="UTC"),
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    # One may wait for a human while the other looks on: alarms must not wait for an answer.
    max_active_runs=2,
    is_paused_upon_creation=True,
    **RERUN_LATEST,
    tags=["pg-cdc"],
    doc_md=__doc__,
)
def slot_hygiene() -> None:
    sources = ListSourcesOperator(task_id="list_sources")
    check = CheckSourceOperator.partial(
        task_id="check_source", map_index_template="{{ task.source['label'] }}", max_active_tis_per_dagrun=16
    ).expand(source=sources.output)
    decide = DecideOperator(task_id="decide", trigger_rule="all_done")
    approve = ApproveDropsOperator(task_id="approve_drops")
    drop = DropOrphansOperator(task_id="drop_orphans")
    alarms = RaiseAlarmsOperator(task_id="raise_alarms")
    report = HygieneReportOperator(task_id="report", trigger_rule="all_done")

    chain(check, decide, approve, drop, report)
    chain(decide, alarms, report)


pipeline = slot_hygiene()
# Given last: Airflow copies the params that a DAG has into every task that is made after them.
pipeline.params = hygiene_params()
