"""Our own CPU time in each step, beyond that of a plain script that makes the same calls.

A shop is migrated on the sandbox by running the DAG's steps in order; then each step is run again, recorded, and its
calls are replayed without us. The sandbox is another process: its work is not counted.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.table import Row

ROOT = Path(__file__).resolve().parents[1]
BAR_MS = 50


def rows() -> list[Row]:
    """Measure every step that is about AWS or SQL."""
    from sandbox.demo.settings import Settings
    from sandbox.demo.shop import airflow_connections
    from sandbox.demo.stage import sandbox_with_shop
    from sandbox.postgres.ports import free_port

    with tempfile.TemporaryDirectory(dir="/var/tmp") as place:
        os.chmod(place, 0o755)
        settings = Settings(
            scale=0.05, sandbox_port=free_port(), directory=Path(place) / "sandbox", home=Path(place) / "airflow"
        )
        with sandbox_with_shop(settings) as (sandbox, _, _):
            connections = airflow_connections(sandbox.endpoint_url, sandbox.region, sandbox.ca_file, settings)
            found = _in_child(place, connections, sandbox.endpoint_url)
    return [_row(*line) for line in found]


def _in_child(place: str, connections: dict[str, str], endpoint: str) -> list[tuple[str, float, float]]:
    env = {
        **os.environ,
        **connections,
        "AIRFLOW_HOME": place,
        "PYTHONPATH": os.pathsep.join([str(ROOT / "plugins"), str(ROOT)]),
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_ACCESS_KEY_ID": "sandbox",
        "AWS_SECRET_ACCESS_KEY": "sandbox",
    }
    out = subprocess.run(
        [sys.executable, "-m", "benchmarks.step_cost_child"],
        env=env,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    ).stdout
    return json.loads(out.splitlines()[-1])


def _row(step: str, ours: float, plain: float) -> Row:
    own = max(ours - plain, 0.0)
    ratio = f"{ours / plain:.2f} x plain script" if plain else "no calls"
    return Row(f"own work: {step}", f"{own:.0f} ms", ratio, BAR_MS, "ok" if own <= BAR_MS else "over the bar")
