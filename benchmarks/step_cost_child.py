"""The measured process of step_cost: migrate once, then time each step's second run against its bare calls."""

from __future__ import annotations

import gc
import json
import logging
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.recorder import plain_client, recording

NOT_MEASURED = {"take_lease", "release_lease", "report", "approve_plan", "stop_if_dry_run"}
NOT_REPLAYED = {"canary_ddl"}
"""Its DDL stands in transactions that are rolled back, which a list of statements does not hold."""
RUNS = 5


def cpu_ms(work: Callable[[], Any]) -> float:
    """Return the median CPU time of ``work`` in this process, in milliseconds.

    Without the garbage collector, as timeit does it: a full collection of Airflow's objects takes 200 ms, and whom it
    strikes is chance.
    """
    times = []
    for _ in range(RUNS):
        gc.collect()
        gc.disable()
        started = time.process_time()
        work()
        times.append((time.process_time() - started) * 1000)
        gc.enable()
    return statistics.median(times)


def steps() -> list[Any]:
    """Return the DAG's steps, in order."""
    from airflow.dag_processing.dagbag import DagBag

    dag = DagBag(str(Path(__file__).resolve().parents[1] / "dags")).dags["pg_cdc_migrate"]
    return [task for task in dag.topological_sort() if task.task_id not in NOT_MEASURED]


def main() -> None:
    """Print one JSON list of (step, our ms, plain ms)."""
    logging.disable(logging.CRITICAL)
    found = []
    tasks = steps()
    for task in tasks:
        task.migration, task.patience_seconds = {}, 600
        task.execute({"params": {}})
    for task in [task for task in tasks if task.task_id not in NOT_REPLAYED]:
        with recording() as script:
            task.execute({"params": {}})

        def run(task: Any = task) -> None:
            task.execute({"params": {}})

        def bare(script: Any = script) -> None:
            script.replay(plain_client)

        found.append((task.task_id, cpu_ms(run), cpu_ms(bare)))
    print(json.dumps(found))


if __name__ == "__main__":
    main()
