"""Where an installation keeps ``include/``: in the package, beside plugins/, in Airflow's home, or beside the DAGs."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path


def include_directories(name: str) -> Iterator[Path]:
    """Yield where ``include/<name>`` may be, there or not; first ``pg_cdc/<name>``, which matches the code."""
    package = Path(__file__).resolve().parent
    yield package / name
    yield package.parents[1] / "include" / name
    if home := os.environ.get("AIRFLOW_HOME"):
        yield Path(home) / "include" / name
    if dags := os.environ.get("AIRFLOW__CORE__DAGS_FOLDER"):
        yield Path(dags).parent / "include" / name
