"""How long a newcomer waits: from a fresh clone to a proved stream, cold and warm."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import time
from pathlib import Path

from benchmarks.table import Row

ROOT = Path(__file__).resolve().parents[1]
BARS = {"cold": 150, "warm": 75}


def demo(clone: Path) -> float:
    """Run ``make demo ONCE=1`` in ``clone`` and return its seconds. Raises when the stream was not proved."""
    started = time.monotonic()
    subprocess.run(["make", "-s", "demo", "ONCE=1"], cwd=clone, check=True, env={**os.environ, "NO_COLOR": "1"})
    report = json.loads((clone / "reports" / "latest.json").read_text())
    if report["status"] != "streaming":
        raise RuntimeError(f"the demo ended with status {report['status']}, expected streaming; read its report")
    return time.monotonic() - started


def rows() -> list[Row]:
    """Measure the first and the second demo of one fresh clone."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as place:
        clone = Path(place) / "airflow-pg-cdc"
        started = time.monotonic()
        subprocess.run(["git", "clone", "-q", str(ROOT), str(clone)], check=True)
        cloned = time.monotonic() - started
        seconds = {"cold": cloned + demo(clone), "warm": demo(clone)}
    return [
        Row(
            f"fresh clone to proved stream, {state}",
            f"{took:.0f} s",
            f"{took / seconds['cold']:.2f} x cold",
            f"{BARS[state]} s",
            "ok" if took <= BARS[state] else "over the bar",
        )
        for state, took in seconds.items()
    ]
