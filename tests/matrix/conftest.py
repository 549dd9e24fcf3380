"""A source and a target of each major version that is asked for, and a migration between two of them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from pg_cdc.waits import dms as waits
from tests.fix_hooks import clients_made_once as clients_made_once
from tests.shell.teardown.conftest import NOT_RUN, ROLE_PASSWORD, World, steps_of

PAIRS = ((13, 15), (13, 17), (15, 15), (15, 17), (17, 17))
MAJORS = (13, 15, 17)
BESIDE = ("keep_snapshot", "load_tables")
"""The keeper ends when the loader has: the DAG runs them beside each other."""


@dataclass
class Migration(World):
    """A migration whose every step is run twice: the second run finds all of it done."""

    watch: Callable[[], Any] = lambda: None  # type: ignore[assignment]

    def twice(self, dag_id: str) -> dict[str, dict[str, Any]]:
        """Run a DAG's steps in order, each twice; return what the first runs said."""
        tasks = {task.task_id: task for task in steps_of(dag_id) if task.task_id not in NOT_RUN}
        said = {}
        for task_id, task in tasks.items():
            if task_id == BESIDE[0] and BESIDE[1] in tasks:
                said |= self._beside(task, tasks[BESIDE[1]])
            elif task_id not in said:
                said[task_id] = self.run(task)
            self._again(task)
        return said

    def _beside(self, keeper: Any, loader: Any) -> dict[str, dict[str, Any]]:
        said: dict[str, dict[str, Any]] = {}
        thread = threading.Thread(target=lambda: said.update({keeper.task_id: self.run(keeper)}), daemon=True)
        thread.start()
        said[loader.task_id] = self.run(loader)
        thread.join(60)
        assert keeper.task_id in said, "the keeper did not end with the load"
        return said

    def _again(self, task: Any) -> None:
        with self.watch() as calls:
            again = self.run(task)
        assert again["changes"] == [], task.task_id
        assert [(call.service, call.action) for call in calls] == [], task.task_id


@pytest.fixture(scope="session", autouse=True)
def majors(sandbox) -> tuple[str, ...]:
    """The versions there are. All are needed: a matrix with holes proves little."""
    versions = tuple(sandbox.status()["versions"])
    missing = set(MAJORS) - {int(version.split(".")[0]) for version in versions}
    assert not missing, f"no PostgreSQL {missing}: run this by `make test-matrix`"
    return versions


@pytest.fixture(scope="session")
def source_of(make_cluster) -> Callable[[int], Any]:
    """``source_of(major)``: a stock Aurora cluster, the same one every time."""
    made: dict[int, Any] = {}

    def get(major: int) -> Any:
        if major not in made:
            made[major] = make_cluster(f"matrix-{major}", EngineVersion=str(major), keep=True)
        return made[major]

    return get


@pytest.fixture(scope="session")
def target_of(make_instance) -> Callable[[int], Any]:
    """``target_of(major)``: an RDS instance, the same one every time."""
    made: dict[int, Any] = {}

    def get(major: int) -> Any:
        if major not in made:
            made[major] = make_instance(f"matrix-copy-{major}", EngineVersion=str(major), keep=True)
        return made[major]

    return get


@pytest.fixture(params=PAIRS, ids=lambda pair: "to".join(map(str, pair)))
def pair(request) -> tuple[int, int]:
    return request.param


@pytest.fixture
def make_migration(
    pair, sandbox, source_of, target_of, aws_conn, admin_conn, mutating_calls, tmp_path
) -> Callable[[str, str], Migration]:
    """``make_migration(kind, shop)``: a migration of a database of its own with ``shop`` in it."""

    def make(kind: str, shop: str) -> Migration:
        source, target = source_of(pair[0]), target_of(pair[1])
        name = f"{kind}_{pair[0]}_{pair[1]}"
        for server in (source, target):
            with server.connect("postgres") as conn:
                conn.execute(f"create database {name}")
        with source.connect(name) as conn:
            conn.execute("select set_config('shop.scale', '0.01', false)")
            conn.execute(shop.encode())
        admin_conn(source, "pg_cdc_source")
        admin_conn(target, "pg_cdc_target")
        admin_conn(source, "pg_cdc_dms_role", login=f"{kind}_role", password=ROLE_PASSWORD)
        waits.SHARED.clear()
        spec = {
            "name": name.replace("_", "-"),
            "aws": {"region": sandbox.region},
            "source": {"identifier": source.identifier, "database": name},
            "target": {"identifier": target.identifier, "database": name},
            "dms_role": {"name": f"{kind}_role"},
            "tables": {"rules": [{"schema": "shop", "table": "%"}]},
            "native": {"keyless_tables": "identity-full"},
            "timeouts": {"poll_seconds": 1},
        }
        return Migration(sandbox, source, target, spec, tmp_path, watch=mutating_calls)

    return make
