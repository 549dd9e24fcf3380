"""A source and a target for every DMS step: two servers a session, a pair of databases and a migration a test."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest

from pg_cdc.config import Migration
from pg_cdc.decisions import names
from pg_cdc.decisions.dms.endpoints import create_request, wanted_source, wanted_target
from pg_cdc.facts import ends
from pg_cdc.hooks.dms import CdcDmsHook
from pg_cdc.operators.dms.resources import (
    EnsureEndpointOperator,
    EnsureReplicationInstanceOperator,
    EnsureSubnetGroupOperator,
    TestConnectionOperator,
)
from pg_cdc.operators.dms.streaming import RecordSlotOperator, WaitStreamingOperator
from pg_cdc.operators.dms.task import EnsureTaskOperator, StartTaskOperator, WaitFullLoadOperator
from pg_cdc.waits import dms as waits

ROLE_PASSWORD = "dms-Role-Passw0rd"
NUMBERS = itertools.count(1)
SHOP = """
create schema shop;
create table shop.customers (id int primary key, name text);
create table shop.orders (id int primary key, customer int, total numeric(10,2));
insert into shop.customers select n, 'customer ' || n from generate_series(1, 50) n;
insert into shop.orders select n, n % 50, n * 1.5 from generate_series(1, 200) n;
create schema dms_replication authorization app_dms;
grant usage on schema shop to app_dms;
grant select on all tables in schema shop to app_dms;
"""


@dataclass
class World:
    """One migration, and how to run its steps. A step waits in place: no test needs a triggerer."""

    sandbox: Any
    source: Any
    target: Any
    spec: dict[str, Any]

    @property
    def migration(self) -> Migration:
        return Migration.model_validate(self.spec)

    @property
    def name(self) -> str:
        return names.resource(self.spec["name"])

    @property
    def dms(self) -> Any:
        return self.hook.conn

    @property
    def hook(self) -> CdcDmsHook:
        return CdcDmsHook.of(self.migration)

    def step(self, operator: type, task_id: str = "step", **kwargs: Any) -> Any:
        return operator(task_id=task_id, migration=self.spec, patience_seconds=60, **kwargs)

    def run(self, operator: type, **kwargs: Any) -> dict[str, Any]:
        return self.step(operator, **kwargs).execute({"params": {}})

    def sql(self, server: str, query: str, *values: Any) -> list[tuple[Any, ...]]:
        database, name = (
            (self.source, self.spec["source"]["database"])
            if server == "source"
            else (self.target, self.spec["target"]["database"])
        )
        with database.connect(name) as conn:
            cursor = conn.execute(query, values or None)
            return cursor.fetchall() if cursor.description else []

    def share_instance(self) -> None:
        """Use the instance that tests share: making one takes as long as a whole test."""
        self.spec["replication"] = {**self.spec["replication"], "instance_identifier": "shared-by-tests"}
        if self.hook.instance("shared-by-tests") is None:
            self.dms.create_replication_instance(
                ReplicationInstanceIdentifier="shared-by-tests", ReplicationInstanceClass="dms.t3.medium"
            )

    def provision(self) -> None:
        self.run(EnsureSubnetGroupOperator)
        self.run(EnsureReplicationInstanceOperator)
        for end in ("source", "target"):
            self.run(EnsureEndpointOperator, end=end)
            self.run(TestConnectionOperator, end=end)

    def load(self) -> None:
        self.provision()
        self.run(EnsureTaskOperator)
        self.run(StartTaskOperator)
        self.run(WaitFullLoadOperator)

    def stream(self) -> None:
        self.load()
        self.run(WaitStreamingOperator)
        self.run(RecordSlotOperator)

    def task(self) -> dict[str, Any]:
        row = self.hook.task(self.name, settings=True)
        assert row is not None
        return row

    def until(self, status: str) -> dict[str, Any]:
        return self.wait(self.task, lambda row: row["Status"] == status)

    def wait(self, read: Callable[[], Any], good: Callable[[Any], bool], seconds: float = 30) -> Any:
        ends = time.monotonic() + seconds
        while not good(seen := read()):
            assert time.monotonic() < ends, f"still {seen}"
            time.sleep(0.1)
        return seen

    def stop_task(self) -> None:
        self.dms.stop_replication_task(ReplicationTaskArn=self.task()["ReplicationTaskArn"])
        self.until("stopped")

    def clean_up(self) -> None:
        row = self.hook.task(self.name, settings=False)
        if row is None:
            return
        if row["Status"] in ("starting", "running"):
            self.wait(self.task, lambda now: now["Status"] != "starting")
            if self.task()["Status"] == "running":
                self.stop_task()
        self.dms.delete_replication_task(ReplicationTaskArn=row["ReplicationTaskArn"])
        self.wait(lambda: self.hook.task(self.name, settings=False), lambda now: now is None)


@pytest.fixture(scope="session")
def servers(sandbox, make_cluster, make_instance) -> tuple[Any, Any]:
    """A source whose wal_level is logical from its first start, and a target."""
    rds = sandbox.client("rds")
    rds.create_db_cluster_parameter_group(
        DBClusterParameterGroupName="dms-steps", DBParameterGroupFamily="aurora-postgresql15", Description="logical"
    )
    rds.modify_db_cluster_parameter_group(
        DBClusterParameterGroupName="dms-steps",
        Parameters=[
            {"ParameterName": "rds.logical_replication", "ParameterValue": "1", "ApplyMethod": "pending-reboot"}
        ],
    )
    source = make_cluster("dms-steps", parameter_group="dms-steps", database="shop", keep=True)
    target = make_instance("dms-steps-copy", database="shop", keep=True)
    with source.connect() as conn:
        conn.execute(f"create role app_dms login password '{ROLE_PASSWORD}'")
        conn.execute("grant rds_superuser, rds_replication to app_dms")
    return source, target


@pytest.fixture
def world(sandbox, servers, aws_conn, admin_conn) -> Iterator[World]:
    """A migration of its own, with two fresh databases."""
    source, target = servers
    number = next(NUMBERS)
    spec = {
        "name": f"m{number}",
        "aws": {"region": sandbox.region},
        "source": {"identifier": source.identifier, "database": f"shop{number}"},
        "target": {"identifier": target.identifier, "database": f"copy{number}"},
        "tables": {"rules": [{"schema": "shop", "table": "%"}]},
        "timeouts": {"poll_seconds": 1},
        "replication": {"plugin": "test_decoding"},
    }
    for server, database in ((source, f"shop{number}"), (target, f"copy{number}")):
        with server.connect() as conn:
            conn.execute(f"create database {database}")
    with source.connect(f"shop{number}") as conn:
        conn.execute(SHOP)
    admin_conn(source, "pg_cdc_source")
    admin_conn(target, "pg_cdc_target")
    admin_conn(source, "pg_cdc_dms_role", login="app_dms", password=ROLE_PASSWORD)
    waits.SHARED.clear()
    made = World(sandbox, source, target, spec)
    yield made
    sandbox.faults.clear()
    made.clean_up()


@pytest.fixture
def ready(world) -> World:
    """A world with a replication instance, endpoints that were tested, and no task."""
    world.share_instance()
    shared = world.wait(
        lambda: world.hook.instance("shared-by-tests"), lambda row: row["ReplicationInstanceStatus"] == "available"
    )
    migration = world.migration
    source = ends.read_source(migration)
    target = ends.read_target_address(migration, user=world.target.user)
    wanted = (
        (wanted_source(migration, source, None), ROLE_PASSWORD),
        (wanted_target(migration, target), world.target.password),
    )
    instance = shared["ReplicationInstanceArn"]
    for endpoint, password in wanted:
        arn = world.dms.create_endpoint(**create_request(migration, endpoint, password))["Endpoint"]["EndpointArn"]
        world.dms.test_connection(EndpointArn=arn, ReplicationInstanceArn=instance)
        tests = partial(world.hook.connections, arn, instance)
        world.wait(tests, lambda rows: rows and rows[0]["Status"] == "successful")
    return world


@pytest.fixture
def no_calls(mutating_calls):
    """Assert that what runs inside changes nothing in AWS."""

    @contextmanager
    def watch() -> Iterator[None]:
        with mutating_calls() as calls:
            yield
        assert [(call.service, call.action) for call in calls] == []

    return watch
