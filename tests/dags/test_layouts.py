"""However it is installed, Airflow finds the DAGs, the plugin, the SQL and the team's specs: docs/aws.md, Layouts."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest

ROOT = Path(__file__).resolve().parents[2]
DAGS = {f"pg_cdc_{name}" for name in ("migrate", "native", "replica", "slot_hygiene", "teardown", "teardown_sweep")}
LOOK = """
import json
from airflow import plugins_manager
from airflow.dag_processing.dagbag import DagBag

bag = DagBag()
plugins = [one["name"] for one in plugins_manager.get_plugin_info() if one["name"] == "pg_cdc"]

import pg_cdc
from pg_cdc.spec import spec_file_names
from pg_cdc.sql_files import read_sql

found = {
    "errors": {**bag.import_errors, **plugins_manager.get_import_errors()},
    "dags": sorted(bag.dags),
    "plugins": plugins,
    "package": pg_cdc.__file__,
    "sql": len(read_sql("source/list_slots.sql")),
    "specs": spec_file_names(),
}
print("FOUND" + json.dumps(found))
"""


def look(home: Path, **environment: str) -> dict[str, Any]:
    """Return what an Airflow of that home finds."""
    mine = {key: value for key, value in os.environ.items() if not key.startswith(("AIRFLOW__", "PYTHONPATH"))}
    own = {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home}/airflow.db",
    }
    command = [sys.executable, "-c", LOOK]
    done = subprocess.run(
        command, cwd=home, env=mine | own | environment, capture_output=True, text=True, timeout=300, check=False
    )
    line = next((line for line in done.stdout.splitlines() if line.startswith("FOUND")), None)
    assert line, done.stdout[-2000:] + done.stderr[-3000:]
    return json.loads(line.removeprefix("FOUND"))


def copy(*names: str, to: Path) -> None:
    for name in names:
        shutil.copytree(ROOT / name, to / Path(name).name, ignore=shutil.ignore_patterns("__pycache__"))


def assert_whole(found: dict[str, Any], *, package: Path, specs: list[str]) -> None:
    assert found["errors"] == {}
    assert set(found["dags"]) == DAGS
    assert found["plugins"] == ["pg_cdc"]
    assert Path(found["package"]).is_relative_to(package)
    assert found["sql"] > 0
    assert found["specs"] == specs


@pytest.mark.exhaustive
def test_three_folders_copied_into_an_airflow_home(tmp_path):
    copy("dags", "plugins", "include", to=tmp_path)
    (tmp_path / "include" / "migrations" / "shop.yaml").rename(tmp_path / "include" / "migrations" / "orders.yaml")

    assert_whole(look(tmp_path), package=tmp_path / "plugins", specs=["orders.yaml"])


def test_the_plugins_zip_of_the_page_where_only_dags_and_plugins_exist(tmp_path):
    page = (ROOT / "docs" / "aws.md").read_text()
    commands = [line.strip() for line in page.splitlines() if line.startswith(("    rm -rf build", "    (cd build"))]
    checkout, home = tmp_path / "checkout", tmp_path / "home"
    copy("plugins", "include", to=checkout)
    assert len(commands) == 2
    for command in commands:
        subprocess.run(["bash", "-ec", command], cwd=checkout, check=True, capture_output=True)
    with ZipFile(checkout / "plugins.zip") as packed:
        packed.extractall(home / "plugins")
    assert (home / "plugins" / ".airflowignore").is_file()
    copy("dags", to=home)
    specs = home / "dags" / "migrations"
    specs.mkdir()
    (specs / "orders.yaml").write_text("name: orders")

    found = look(home, PG_CDC_MIGRATIONS=str(specs))

    assert_whole(found, package=home / "plugins", specs=["orders.yaml"])


def test_a_wheel_and_the_dags(tmp_path):
    uv, site, home = ROOT / ".venv" / "bin" / "uv", tmp_path / "site", tmp_path / "home"
    subprocess.run([uv, "build", "--wheel", "--out-dir", tmp_path, ROOT], check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    with ZipFile(wheel) as packed:
        packed.extractall(site)
    (home / "include" / "migrations").mkdir(parents=True)
    (home / "include" / "migrations" / "orders.yaml").write_text("name: orders")
    copy("dags", to=home)

    found = look(home, PYTHONPATH=str(site))

    assert_whole(found, package=site, specs=["orders.yaml"])
