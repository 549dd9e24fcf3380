"""A run of slot hygiene without Airflow: the steps in their order, with what each leaves for the next."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

from airflow.sdk import DAG

from pg_cdc.operators.base import CdcOperator
from pg_cdc.operators.hygiene.alarms import RaiseAlarmsOperator
from pg_cdc.operators.hygiene.check import CheckSourceOperator
from pg_cdc.operators.hygiene.decide import ApproveDropsOperator, DecideOperator
from pg_cdc.operators.hygiene.drop import DropOrphansOperator
from pg_cdc.operators.hygiene.report import HygieneReportOperator
from pg_cdc.operators.hygiene.step import HygieneOperator, ListSourcesOperator

STEPS = ("list_sources", "check_source", "decide", "approve_drops", "drop_orphans", "raise_alarms", "report")


class Other(CdcOperator):
    """A step that is there only to be told of."""

    def step(self, migration, context):
        raise AssertionError("not run here")


@dataclass
class TaskInstance:
    """What the steps need of Airflow's. ``left``: what each step returned."""

    run_id: str
    left: dict[str, Any] = field(default_factory=dict)
    states: dict[str, str] = field(default_factory=dict)
    others: dict[str, dict[str, str]] = field(default_factory=dict)
    pushed: dict[str, Any] = field(default_factory=dict)
    start_date: datetime = field(default_factory=lambda: datetime.now(UTC))
    id: str = "0199"
    dag_id: str = "pg_cdc_slot_hygiene"
    map_index: int = -1

    def xcom_pull(self, *, task_ids: str, key: str = "return_value", map_indexes: int | None = None) -> Any:
        return self.left.get(task_ids) if key == "return_value" else None

    def xcom_push(self, key: str, value: Any) -> None:
        self.pushed[key] = value

    def get_task_states(self, *, dag_id: str, run_ids: list[str] | None = None, task_ids: list[str] | None = None):
        return {**self.others, self.run_id: self.states}

    def get_task_breadcrumbs(self, dag_id: str, run_id: str) -> list[dict[str, Any]]:
        return []


class HygieneRun:
    """A run, step by step. ``ended``: how long ago its interval ended; None: it has none."""

    number = 0

    def __init__(self, params: Mapping[str, Any], *, run_type: str = "manual", ended: timedelta | None = None) -> None:
        HygieneRun.number += 1
        run_id = f"{run_type}__{HygieneRun.number:06}"
        end = datetime.now(UTC) - ended if ended is not None else None
        self.params = dict(params)
        self.ti = TaskInstance(run_id)
        self.run = SimpleNamespace(
            run_type=run_type,
            data_interval_start=end and end - timedelta(minutes=15),
            data_interval_end=end,
            run_after=datetime.now(UTC),
            start_date=datetime.now(UTC),
        )

    def context(self, operator: Any) -> dict[str, Any]:
        with DAG("pg_cdc_slot_hygiene", schedule=None) as dag:
            for task_id in STEPS:
                Other(task_id=task_id)
        return {
            "ti": self.ti,
            "task_instance": self.ti,
            "task": operator,
            "dag": dag,
            "dag_run": self.run,
            "run_id": self.ti.run_id,
            "params": self.params,
        }

    def step(self, kind: type[HygieneOperator], task_id: str, **arguments: Any) -> Any:
        """Run one step, and leave what it returns."""
        with DAG("pg_cdc_slot_hygiene", schedule=None):
            operator = kind(task_id=task_id, **arguments)
            operator >> Other(task_id="after")
        self.ti.states[task_id] = "failed"
        done = operator.execute(self.context(operator))
        self.ti.states[task_id] = "success"
        self.ti.left[task_id] = done
        return done

    def look(self) -> list[dict[str, Any]]:
        """List and check every server; return what each check came to."""
        servers = self.step(ListSourcesOperator, "list_sources")
        done = [self.step(CheckSourceOperator, "check_source", source=server) for server in servers]
        self.ti.left["check_source"] = done if len(done) != 1 else done[0]
        self.step(DecideOperator, "decide")
        return done

    def approve(self) -> Any:
        return self.step(ApproveDropsOperator, "approve_drops")

    def drop(self) -> Any:
        return self.step(DropOrphansOperator, "drop_orphans")

    def tell(self) -> Any:
        return self.step(RaiseAlarmsOperator, "raise_alarms")

    def report(self, destination: Any) -> Any:
        return self.step(HygieneReportOperator, "report", destination=str(destination))

    def act(self) -> Any:
        """Look and drop; return what the drop came to."""
        self.look()
        self.approve()
        return self.drop()
