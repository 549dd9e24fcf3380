"""A stock source and a target that one migration after the other is made on, and taken down from."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from airflow.dag_processing.dagbag import DagBag

from pg_cdc.config import Migration
from pg_cdc.hooks.dms import CdcDmsHook
from pg_cdc.waits import dms as waits
from tests.shell.rds_world import make_group

DAGS = Path(__file__).resolve().parents[3] / "dags"
ROLE_PASSWORD = "dms-Role-Passw0rd"
SHOP = """
create schema shop;
create table shop.customers (id int primary key, name text);
create table shop.orders (id int primary key, customer int, total numeric(10,2));
insert into shop.customers select n, 'customer ' || n from generate_series(1, 20) n;
insert into shop.orders select n, n % 20, n * 1.5 from generate_series(1, 50) n;
"""
NOT_RUN = {"stop_if_dry_run", "approve_plan", "approve_teardown", "report"}
"""They decide whether the others run at all, and need Airflow to skip them."""

FINGERPRINT = """
SELECT 'schema', nspname::text FROM pg_namespace WHERE nspname !~ '^pg_(toast|temp)'
UNION ALL SELECT 'relation', oid::regclass::text FROM pg_class
    WHERE relkind <> 'i' AND relnamespace::regnamespace::text !~ '^(pg_toast|pg_catalog|information_schema)'
UNION ALL SELECT 'function', oid::regprocedure::text FROM pg_proc WHERE pronamespace <> 'pg_catalog'::regnamespace
UNION ALL SELECT 'event trigger', evtname FROM pg_event_trigger
UNION ALL SELECT 'extension', extname FROM pg_extension
UNION ALL SELECT 'role', rolname FROM pg_roles
UNION ALL SELECT 'slot', slot_name FROM pg_replication_slots
UNION ALL SELECT 'publication', pubname FROM pg_publication
UNION ALL SELECT 'origin', roname FROM pg_replication_origin
UNION ALL SELECT 'wal_level', current_setting('wal_level')
UNION ALL SELECT 'libraries', current_setting('shared_preload_libraries')
"""


@dataclass
class World:
    """A source, a target, and the steps of both DAGs, run in order and in place."""

    sandbox: Any
    source: Any
    target: Any
    spec: dict[str, Any]
    reports: Path
    params: dict[str, Any] = field(default_factory=lambda: {"teardown_dry_run": False})

    @property
    def migration(self) -> Migration:
        return Migration.model_validate(self.spec)

    @property
    def hook(self) -> CdcDmsHook:
        return CdcDmsHook.of(self.migration)

    def run(self, task: Any, **params: Any) -> dict[str, Any]:
        """Run one step as Airflow would, patient enough not to be deferred."""
        task.migration, task.patience_seconds = self.spec, 120
        if hasattr(task, "destination"):
            task.destination = str(self.reports)
        return task.execute({"params": {**self.params, **params}})

    def migrate(self, *, upto: str | None = None, without: Iterable[str] = ()) -> dict[str, dict[str, Any]]:
        """Run the migration's steps, up to one of them."""
        return self._run(steps_of("pg_cdc_migrate", upto), {*NOT_RUN, *without})

    def teardown(self, *, upto: str | None = None, without: Iterable[str] = (), **params: Any) -> dict[str, Any]:
        """Run the teardown's steps, or only look and report where it would stop itself."""
        tasks = steps_of("pg_cdc_teardown", upto)
        stop = next(task for task in tasks if task.task_id == "stop_if_dry_run")
        if not self.run(stop, **params)["facts"]["goes_on"]:
            tasks = [task for task in tasks if task.task_id in ("inspect_residue", "residue_report")]
        return self._run(tasks, {*NOT_RUN, *without}, **params)

    def teardown_steps(self) -> list[Any]:
        """Return the teardown's steps."""
        return [task for task in steps_of("pg_cdc_teardown") if task.task_id not in NOT_RUN]

    def until(self, good: Callable[[], bool], seconds: float = 60) -> None:
        """Wait until something is so."""
        ends = time.monotonic() + seconds
        while not good():
            assert time.monotonic() < ends
            time.sleep(0.1)

    def _run(self, tasks: list[Any], without: set[str], **params: Any) -> dict[str, dict[str, Any]]:
        return {task.task_id: self.run(task, **params) for task in tasks if task.task_id not in without}

    def step(self, task_id: str, **params: Any) -> dict[str, Any]:
        """Run one step of the teardown."""
        return self.run(next(task for task in steps_of("pg_cdc_teardown") if task.task_id == task_id), **params)

    def report(self) -> dict[str, Any]:
        """Return the report as it was written last."""
        return json.loads((self.reports / "teardown-latest.json").read_text())

    def share_instance(self) -> None:
        """Use a replication instance that is none of the migration's."""
        self.spec["replication"] = {**self.spec.get("replication", {}), "instance_identifier": "shared-by-teardowns"}
        if self.hook.instance("shared-by-teardowns") is None:
            self.hook.conn.create_replication_instance(
                ReplicationInstanceIdentifier="shared-by-teardowns", ReplicationInstanceClass="dms.t3.medium"
            )

    def sql(self, query: str, *, end: str = "source", dbname: str | None = None) -> list[tuple[Any, ...]]:
        database = self.source if end == "source" else self.target
        with database.connect(dbname or self.spec[end]["database"]) as conn:
            cursor = conn.execute(query)
            return cursor.fetchall() if cursor.description else []

    def fingerprint(self) -> dict[str, set[tuple[Any, ...]]]:
        """Return all that a migration could leave on the source, in its database and in ``postgres``, and in AWS."""
        rds = self.sandbox.client("rds")
        groups = rds.describe_db_cluster_parameter_groups()["DBClusterParameterGroups"]
        cluster = rds.describe_db_clusters(DBClusterIdentifier=self.source.identifier)["DBClusters"][0]
        return {
            "database": set(self.sql(FINGERPRINT)),
            "postgres": set(self.sql(FINGERPRINT, dbname="postgres")),
            "groups": {(group["DBClusterParameterGroupName"],) for group in groups},
            "attached": {(cluster["DBClusterParameterGroup"],)},
            "dms": {(arn,) for arn in self.dms_arns()},
        }

    def dms_arns(self) -> list[str]:
        hook = self.hook
        found = [row["ReplicationTaskArn"] for row in hook.tasks(WithoutSettings=True)]
        found += [row["EndpointArn"] for row in hook.read_all("describe_endpoints", "Endpoints")]
        instances = hook.read_all("describe_replication_instances", "ReplicationInstances")
        found += [row["ReplicationInstanceArn"] for row in instances]
        groups = hook.read_all("describe_replication_subnet_groups", "ReplicationSubnetGroups")
        return found + [row["ReplicationSubnetGroupIdentifier"] for row in groups]


BAGS: dict[str, DagBag] = {}
TASKS: dict[str, list[Any]] = {}


def steps_of(dag_id: str, upto: str | None = None) -> list[Any]:
    """Return the DAG's tasks in order, up to one of them."""
    if dag_id not in TASKS:
        bag = DagBag(str(DAGS / f"{dag_id.removeprefix('pg_cdc_')}.py"))
        assert bag.import_errors == {}
        # The lease goes back last here: nothing runs beside these steps.
        tasks = sorted(bag.dags[dag_id].topological_sort(), key=lambda task: task.task_id in LATE)
        TASKS[dag_id] = tasks
    tasks = TASKS[dag_id]
    end = len(tasks) if upto is None else [task.task_id for task in tasks].index(upto) + 1
    return tasks[:end]


LATE = ("release_lease", "report", "residue_report")


@pytest.fixture(scope="session")
def target(make_instance) -> Any:
    return make_instance("torn-copy", keep=True)


@pytest.fixture(scope="session")
def stock(make_cluster) -> Any:
    """A source on AWS's own parameter group."""
    return with_shop(make_cluster("torn", keep=True))


@pytest.fixture(scope="session")
def ready(sandbox, make_cluster) -> Any:
    """A source that was ready for change capture before any migration."""
    name = "torn-ready-own"
    values = {
        "rds__logical_replication": "1",
        "shared_preload_libraries": "pg_stat_statements,pglogical",
        "max_worker_processes": "30",
    }
    make_group(sandbox, name, cluster=True, family="aurora-postgresql15", **values)
    return with_shop(make_cluster("torn-ready", parameter_group=name, keep=True))


def with_shop(database: Any) -> Any:
    with database.connect() as conn:
        conn.execute(SHOP)
    return database


def make_world(sandbox: Any, source: Any, target: Any, admin_conn: Any, reports: Path) -> World:
    spec = {
        "name": "torn",
        "aws": {"region": sandbox.region},
        "source": {"identifier": source.identifier, "database": "shop"},
        "target": {"identifier": target.identifier, "database": "shop"},
        "tables": {"rules": [{"schema": "shop", "table": "%"}]},
        "timeouts": {"poll_seconds": 1},
    }
    admin_conn(source, "pg_cdc_source")
    admin_conn(target, "pg_cdc_target")
    admin_conn(source, "pg_cdc_dms_role", login="app_dms", password=ROLE_PASSWORD)
    waits.SHARED.clear()
    return World(sandbox, source, target, spec, reports)


@pytest.fixture
def world(sandbox, stock, target, aws_conn, admin_conn, tmp_path) -> Iterator[World]:
    """A migration of the stock source."""
    yield make_world(sandbox, stock, target, admin_conn, tmp_path)
    sandbox.faults.clear()


@pytest.fixture
def ready_world(sandbox, ready, target, aws_conn, admin_conn, tmp_path) -> Iterator[World]:
    """A migration of the source that was ready before."""
    yield make_world(sandbox, ready, target, admin_conn, tmp_path)
    sandbox.faults.clear()
