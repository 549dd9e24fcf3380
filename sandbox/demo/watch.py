"""Trigger the migration and watch it, in Airflow, in DMS and on the source, until it is over."""

from __future__ import annotations

import time
from typing import Any

import psycopg
from botocore.exceptions import ClientError
from rich.console import Console

from sandbox.demo.progress import OVER, Progress, Step, View, steps_of
from sandbox.demo.settings import DAGS
from sandbox.demo.shop import Ends
from sandbox.demo.stage import Stage

RUN_SECONDS = 900
CONF = {"timeouts_poll_seconds": 2}
ENGINE_CONF = {"native": {"native_keyless_tables": "identity-full"}}
TAKES_DDL = ("dms",)
"""With these a column that the application adds reaches the target; natively it would stop all of apply."""
LAG = """
select pg_wal_lsn_diff(pg_current_wal_lsn(), confirmed_flush_lsn)::bigint from pg_replication_slots
where slot_type = 'logical' and database = current_database()
"""


LOADED = "select table_name, rows from pgcdc_native.loaded_table where schema_name <> 'pgcdc' order by bytes desc"


def migrate(stage: Stage, console: Console) -> str:
    """Trigger the migration, show it until it is over, and return the run's state."""
    dag_id = DAGS[stage.settings.engine]
    run_id = stage.airflow.trigger(dag_id, CONF | ENGINE_CONF.get(stage.settings.engine, {}) | dict(stage.lake))
    ends = time.monotonic() + RUN_SECONDS
    with Progress(console) as progress, stage.ends.connect_source() as source:
        altered = False
        while time.monotonic() < ends:
            stage.airflow.check()
            state = stage.airflow.run_state(dag_id, run_id)
            steps = steps_of(stage.airflow.task_instances(dag_id, run_id))
            source = _alive(source, stage.ends)
            progress.show(_view(stage, steps, source))
            if not altered and stage.settings.engine in TAKES_DDL and _is_over("wait_streaming", steps):
                altered = stage.application.add_column()
            if state in OVER:
                return state
            time.sleep(0.7)
    return "timeout"


def _alive(conn: psycopg.Connection, ends: Ends) -> psycopg.Connection:
    if not conn.closed:
        return conn
    try:
        return ends.connect_source()
    except psycopg.OperationalError:
        return conn


def _view(stage: Stage, steps: tuple[Step, ...], source: psycopg.Connection) -> View:
    return View(
        steps=steps,
        tables=_tables(stage) if _is_over("start_task", steps) else _native_tables(stage, steps),
        lag_bytes=_lag(source),
        transactions=stage.application.transactions,
        cut_seconds=stage.application.cut_seconds,
    )


def _tables(stage: Stage) -> dict[str, tuple[str, int]]:
    dms = stage.sandbox.client("dms")
    try:
        arn = dms.describe_replication_tasks(WithoutSettings=True)["ReplicationTasks"][0]["ReplicationTaskArn"]
        rows: list[dict[str, Any]] = dms.describe_table_statistics(ReplicationTaskArn=arn)["TableStatistics"]
    except (ClientError, IndexError):
        return {}
    return {
        row["TableName"]: (row["TableState"], row["FullLoadRows"] + row["Inserts"] - row["Deletes"])
        for row in rows
        if row["SchemaName"] != "pgcdc"
    }


def _native_tables(stage: Stage, steps: tuple[Step, ...]) -> dict[str, tuple[str, int]]:
    if stage.settings.engine != "native" or not _is_over("copy_schema", steps):
        return {}
    try:
        with stage.ends.connect_target() as target:
            return {name: ("Table completed", rows) for name, rows in target.execute(LOADED)}
    except psycopg.Error:
        return {}


def _lag(source: psycopg.Connection) -> int | None:
    try:
        row = source.execute(LAG).fetchone()
    except psycopg.Error:
        source.close()
        return None
    return row[0] if row else None


def _is_over(task_id: str, steps: tuple[Step, ...]) -> bool:
    return any(step.task_id == task_id and step.state == "success" for step in steps)
