"""What parsing one of our DAG files costs on top of ``import airflow.sdk``.

Each DAG file is imported in a fresh interpreter that has already imported ``airflow.sdk``, as the DAG processor has.
Beside it, in the same run: the amazon provider's DMS operators.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.table import Row

ROOT = Path(__file__).resolve().parents[1]
BAR_MS = 50
HEAVY = ("boto3", "botocore", "psycopg", "psycopg2", "airflow.providers.amazon.aws", "airflow.providers.postgres.hooks")

COMPILED = {"PYTHONDONTWRITEBYTECODE": ""}

PROBE = """
import runpy, sys, time
import airflow.sdk
airflow.sdk.DAG, airflow.sdk.BaseOperator, airflow.sdk.dag, airflow.sdk.task_group, airflow.sdk.chain, airflow.sdk.Param
started = time.perf_counter()
{statement}
print("MS", (time.perf_counter() - started) * 1000)
print("HEAVY", ",".join(name for name in {heavy!r} if name in sys.modules))
"""


def measure(statement: str, *, runs: int = 5) -> tuple[float, str]:
    """Return the median in milliseconds and the heavy modules that were imported."""
    times, heavy = [], ""
    with tempfile.TemporaryDirectory() as home:
        for _ in range(runs + 1):
            out = subprocess.run(
                [sys.executable, "-c", PROBE.format(statement=statement, heavy=HEAVY)],
                # Compiled once, as anywhere but on a developer's machine that forbids it.
                env={**os.environ, "PYTHONPATH": str(ROOT / "plugins"), "AIRFLOW_HOME": home, **COMPILED},
                capture_output=True,
                text=True,
                check=True,
            ).stdout
            said = dict(line.split(" ", 1) for line in out.splitlines() if line.startswith(("MS ", "HEAVY ")))
            times.append(float(said["MS"]))
            heavy = said["HEAVY"]
    return statistics.median(times[1:]), heavy


def rows() -> list[Row]:
    """Measure every DAG file, and the reference."""
    reference, _ = measure("import airflow.providers.amazon.aws.operators.dms")
    found = [Row("import: provider's DMS operators", f"{reference:.0f} ms", "reference")]
    for dag in sorted((ROOT / "dags").glob("*.py")):
        cost, heavy = measure(f"runpy.run_path({str(dag)!r})")
        verdict = "ok" if cost <= BAR_MS and not heavy else f"over the bar{': ' + heavy if heavy else ''}"
        found.append(
            Row(f"import: dags/{dag.name}", f"{cost:.0f} ms", f"{cost / reference:.2f} x reference", BAR_MS, verdict)
        )
    return found
