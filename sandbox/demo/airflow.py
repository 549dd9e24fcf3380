"""Airflow for the demo: its components as processes of ours, small enough for a laptop, and its REST API."""

from __future__ import annotations

import base64
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import requests

from sandbox.demo.processes import ProcessDied, Processes
from sandbox.demo.settings import ROOT

COMPONENTS = {
    "api-server": ("api-server",),
    "scheduler": ("scheduler", "--skip-serve-logs"),
    "dag-processor": ("dag-processor",),
    "triggerer": ("triggerer", "--skip-serve-logs"),
}
PRELOAD = """# Read by every component. Tasks are forks of the scheduler here: what it has imported, they need not.
import sys

if "scheduler" in sys.argv:
    import boto3
    import airflow.providers.amazon.aws.hooks.base_aws
    import airflow.providers.postgres.hooks.postgres
"""
READY_SECONDS = 300
ANSWER_SECONDS = 120
"""For one answer of the API: a busy machine takes its time."""
WORKERS = 3


class Airflow:
    """The four components on a metadata database. Loopback only: whoever can reach the UI is an admin."""

    def __init__(self, *, home: Path, port: int, database_url: str) -> None:
        self.home = home
        self.url = f"http://localhost:{port}"
        self.environment = {**os.environ, **airflow_environment(home, port, database_url)}
        self._processes = Processes(home)
        self._session = requests.Session()
        self._session.trust_env = False

    def prepare(self) -> None:
        """Make the metadata database's tables, and the configuration that is no variable."""
        settings = self.home / "config" / "airflow_local_settings.py"
        settings.parent.mkdir()
        settings.write_text(PRELOAD)
        done = subprocess.run(
            [_airflow(), "db", "migrate"], env=self.environment, cwd=ROOT, capture_output=True, text=True
        )
        if done.returncode:
            raise ProcessDied(f"airflow db migrate ended with {done.returncode}:\n{done.stderr[-2000:]}")

    def start(self, variables: Mapping[str, str]) -> None:
        """Start the components, with these variables beside those of the configuration; ``wait_ready`` waits."""
        self.environment |= variables
        for name in COMPONENTS:
            self.start_component(name)

    def start_component(self, name: str) -> None:
        """Start one of the components."""
        self._processes.start(name, [_airflow(), *COMPONENTS[name]], env=self.environment, cwd=ROOT)

    def kill(self, name: str) -> None:
        """Kill a component with all it started, as a lost machine is; ``start_component`` brings it back."""
        self._processes.kill(name)

    def wait_ready(self, dag_id: str) -> None:
        """Wait until all components are healthy and ``dag_id`` can be triggered."""
        ends = time.monotonic() + READY_SECONDS
        while not self._is_ready(dag_id):
            self._processes.check()
            if time.monotonic() > ends:
                raise ProcessDied(f"Airflow is not ready after {READY_SECONDS} s; its logs are in {self.home}")
            time.sleep(0.3)

    def stop(self) -> None:
        """End every component."""
        self._processes.stop()

    def check(self) -> None:
        """Do nothing while all components run. :raises ProcessDied: one does not."""
        self._processes.check()

    def call(self, method: str, path: str, **arguments: Any) -> Any:
        """Call ``/api/v2/<path>`` and return the answer."""
        answer = self._session.request(method, f"{self.url}/api/v2/{path}", timeout=ANSWER_SECONDS, **arguments)
        if answer.status_code >= 400:
            raise requests.HTTPError(f"{method} {path}: {answer.status_code} {answer.text[:2000]}", response=answer)
        return answer.json() if answer.content else None

    def trigger(self, dag_id: str, conf: Mapping[str, Any]) -> str:
        """Trigger a run and return its id."""
        return str(
            self.call("POST", f"dags/{dag_id}/dagRuns", json={"logical_date": None, "conf": dict(conf)})["dag_run_id"]
        )

    def run_state(self, dag_id: str, run_id: str) -> str:
        """Return the state of a run."""
        return str(self.call("GET", f"dags/{dag_id}/dagRuns/{run_id}")["state"])

    def task_instances(self, dag_id: str, run_id: str) -> list[dict[str, Any]]:
        """Return the task instances of a run."""
        return list(self.call("GET", f"dags/{dag_id}/dagRuns/{run_id}/taskInstances?limit=100")["task_instances"])

    def clear(self, dag_id: str, run_id: str, task_ids: list[str]) -> None:
        """Clear these tasks of a run, and only these."""
        self.call(
            "POST",
            f"dags/{dag_id}/clearTaskInstances",
            json={
                "dry_run": False, "only_failed": False, "dag_run_id": run_id, "task_ids": task_ids,
                "include_downstream": False, "reset_dag_runs": True,
            },
        )  # fmt: skip

    def _is_ready(self, dag_id: str) -> bool:
        try:
            if "Authorization" not in self._session.headers:
                token = self._session.get(f"{self.url}/auth/token", timeout=5).json()["access_token"]
                self._session.headers["Authorization"] = f"Bearer {token}"
            health = self.call("GET", "monitor/health")
            parts = ("metadatabase", "scheduler", "dag_processor", "triggerer")
            if any((health.get(part) or {}).get("status") != "healthy" for part in parts):
                return False
            return not self.call("GET", f"dags/{dag_id}")["is_paused"]
        except (requests.RequestException, KeyError, ValueError):
            return False


def airflow_environment(home: Path, port: int, database_url: str) -> dict[str, str]:
    """Return Airflow's configuration as variables."""
    return {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "dags"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(ROOT / "plugins"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
        "AIRFLOW__CORE__UNIT_TEST_MODE": "False",
        "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
        "AIRFLOW__CORE__PARALLELISM": str(WORKERS),
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
        "AIRFLOW__CORE__FERNET_KEY": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"http://localhost:{port}/execution/",
        "AIRFLOW__API__HOST": "127.0.0.1",
        "AIRFLOW__API__PORT": str(port),
        "AIRFLOW__API__BASE_URL": f"http://localhost:{port}",
        "AIRFLOW__API__WORKERS": "1",
        "AIRFLOW__API__SECRET_KEY": secrets.token_hex(32),
        "AIRFLOW__API_AUTH__JWT_SECRET": secrets.token_hex(64),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": database_url,
        "AIRFLOW__DAG_PROCESSOR__PARSING_PROCESSES": "1",
        "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.1",
        "AIRFLOW__SCHEDULER__ENABLE_HEALTH_CHECK": "False",
        "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
        "NO_PROXY": "localhost,127.0.0.1",
    }


def _airflow() -> str:
    return str(Path(sys.executable).with_name("airflow"))
