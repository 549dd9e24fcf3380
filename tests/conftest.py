"""Set Airflow's environment before anything imports it, and name the fixture families."""

import os
import tempfile
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
HOME = Path(os.environ.setdefault("AIRFLOW_HOME", tempfile.mkdtemp(prefix="pg-cdc-airflow-")))
if worker := os.environ.get("PYTEST_XDIST_WORKER"):
    HOME = HOME / worker
    HOME.mkdir(exist_ok=True)
    os.environ["AIRFLOW_HOME"] = str(HOME)
os.environ.update(
    {
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(ROOT / "plugins"),
        "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "dags"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__UNIT_TEST_MODE": "True",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{HOME}/airflow.db",
    }
)

SHARING = (
    "tests/e2e/",
    "tests/dags/",
    "tests/shell/dms/",
    "tests/shell/teardown/",
    "tests/sandbox/test_dms_",
    "tests/shell/test_bootstrap_",
)

pytest_plugins = ["tests.fix_sandbox", "tests.fix_bootstrap"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes minutes and stays on one core: begun last, the other cores would wait for it."""
    items.sort(key=lambda item: not item.nodeid.startswith(SHARING))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Keep together on one core what shares servers: a file, and all that goes through one Airflow or one DMS."""
    from xdist.scheduler import LoadScopeScheduling

    class ByServers(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = nodeid.split("::")[0]
            return next((place for place in SHARING if file.startswith(place)), file)

    return ByServers(config, log)
