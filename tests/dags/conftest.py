"""Whole runs in this process."""

import subprocess
import sys
import time
from collections.abc import Iterator
from functools import cache

import pytest
from airflow.sdk.execution_time import supervisor

DAG_TEST = "airflow.sdk.definitions.dag"


@pytest.fixture(autouse=True)
def no_idle_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let ``dag.test`` look for the next task at once: it sleeps for a second wherever one was skipped."""
    sleep = time.sleep

    def shorter_there(seconds: float) -> None:
        caller = sys._getframe(1).f_globals["__name__"]
        sleep(seconds / 50 if caller == DAG_TEST else seconds)

    monkeypatch.setattr(time, "sleep", shorter_there)


@pytest.fixture(scope="session", autouse=True)
def one_execution_api() -> Iterator[None]:
    """Make the API that tasks talk to once, as Airflow 3.3 does: 3.2 makes one for each task, in some ten seconds."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(supervisor, "in_process_api_server", cache(supervisor.in_process_api_server))
        yield


@pytest.fixture(scope="session")
def airflow_database() -> None:
    """Airflow's metadata database, which ``dag.test`` writes to."""
    subprocess.run([sys.executable, "-m", "airflow", "db", "migrate"], check=True, capture_output=True, timeout=500)
