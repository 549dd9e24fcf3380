"""A source ready for logical replication, a target, a replication instance: made once, with a database per test."""

from __future__ import annotations

import contextlib
import itertools
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import psycopg
import pytest
from psycopg import sql

NAMES = itertools.count(1)
GROUP = {"rds.logical_replication": "1", "shared_preload_libraries": "pglogical,pg_stat_statements"}


def eventually(claim: Callable[[], Any], *, seconds: float = 20, say: Callable[[], Any] = lambda: "") -> Any:
    """Return what ``claim`` returns as soon as it is true."""
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        found = claim()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError(f"not within {seconds} s: {say()}")


def rule(schema: str = "%", table: str = "%", *, number: int = 1, action: str = "include", **more: Any) -> dict:
    """A selection rule."""
    locator = {"schema-name": schema, "table-name": table}
    return {
        "rule-type": "selection",
        "rule-id": str(number),
        "rule-name": f"rule-{number}",
        "object-locator": locator,
        "rule-action": action,
        **more,
    }


def mappings(*rules: dict) -> str:
    return json.dumps({"rules": list(rules or [rule()])})


@dataclass
class Task:
    """A task between two databases of the same name."""

    lab: Lab
    arn: str
    source: psycopg.Connection
    target: psycopg.Connection
    source_endpoint: str
    target_endpoint: str

    @property
    def described(self) -> dict:
        filters = [{"Name": "replication-task-arn", "Values": [self.arn]}]
        try:
            return self.lab.dms.describe_replication_tasks(Filters=filters)["ReplicationTasks"][0]
        except self.lab.dms.exceptions.ResourceNotFoundFault:
            return {"Status": "gone"}

    @property
    def status(self) -> str:
        return self.described["Status"]

    def start(self, kind: str = "start-replication", **more: Any) -> None:
        self.lab.dms.start_replication_task(ReplicationTaskArn=self.arn, StartReplicationTaskType=kind, **more)

    def stop(self) -> None:
        self.lab.dms.stop_replication_task(ReplicationTaskArn=self.arn)
        self.until("stopped")

    def delete(self) -> None:
        self.lab.dms.delete_replication_task(ReplicationTaskArn=self.arn)
        self.lab.until_gone(self.arn)

    def until(self, *statuses: str, seconds: float = 20) -> dict:
        eventually(lambda: self.status in statuses, seconds=seconds, say=lambda: self.described)
        return self.described

    def until_loaded(self) -> dict:
        self.until("running", "stopped", "failed")
        eventually(lambda: "FullLoadFinishDate" in self.described["ReplicationTaskStats"], say=lambda: self.described)
        return self.described

    def tables(self) -> dict[tuple[str, str], dict]:
        pages = self.lab.dms.get_paginator("describe_table_statistics").paginate(ReplicationTaskArn=self.arn)
        rows = [row for page in pages for row in page["TableStatistics"]]
        return {(row["SchemaName"], row["TableName"]): row for row in rows}

    def slots(self) -> list[tuple[str, str, bool]]:
        query = """select slot_name, plugin, active from pg_replication_slots
                   where database = current_database() and not temporary"""
        return self.source.execute(query).fetchall()

    def until_drained(self) -> None:
        """Wait until everything written so far is confirmed by the slot."""
        (position,) = self.source.execute("select pg_current_wal_lsn()").fetchone()
        query = """select confirmed_flush_lsn >= %s::pg_lsn from pg_replication_slots
                   where database = current_database() and not temporary"""
        eventually(lambda: self.source.execute(query, (position,)).fetchone() == (True,), say=lambda: self.described)


@dataclass
class Lab:
    """Everything tests share."""

    dms: Any
    sandbox: Any
    source: Any
    target: Any
    instance: str
    made: list[Task] = field(default_factory=list)

    def databases(self) -> tuple[str, psycopg.Connection, psycopg.Connection]:
        """Make a database on both servers."""
        name = f"db{next(NAMES)}"
        for server in (self.source, self.target):
            with server.connect("postgres") as connection:
                connection.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
        return name, self.source.connect(name), self.target.connect(name)

    def endpoint(self, side: str, database: str, server: Any = None, **more: Any) -> str:
        server = server or getattr(self, side)
        answer = self.dms.create_endpoint(
            EndpointIdentifier=f"{side}-{next(NAMES)}",
            EndpointType=side,
            EngineName="aurora-postgresql",
            Username=more.pop("user", server.user),
            Password=more.pop("password", server.password),
            ServerName=server.host,
            Port=server.port,
            DatabaseName=database,
            **more,
        )
        return answer["Endpoint"]["EndpointArn"]

    def connection(self, endpoint: str) -> dict:
        filters = [{"Name": "endpoint-arn", "Values": [endpoint]}]
        return self.dms.describe_connections(Filters=filters)["Connections"][0]

    def tested(self, endpoint: str, status: str = "successful") -> dict:
        self.dms.test_connection(ReplicationInstanceArn=self.instance, EndpointArn=endpoint)
        eventually(lambda: self.connection(endpoint)["Status"] == status, say=lambda: self.connection(endpoint))
        return self.connection(endpoint)

    def task(
        self,
        schema: str = "",
        *,
        kind: str = "full-load-and-cdc",
        rules: tuple[dict, ...] = (),
        settings: dict | None = None,
        source_settings: dict | None = None,
        source: Any = None,
        **more: Any,
    ) -> Task:
        """Make two databases, run ``schema`` on the source, and make a task that is ready to start."""
        name, on_source, on_target = self.databases()
        if source:
            on_source = source.connect(name)
        if schema:
            on_source.execute(schema)
        ends = (
            self.endpoint("source", name, source, PostgreSQLSettings=source_settings or {}, **more),
            self.endpoint("target", name),
        )
        for end in ends:
            self.tested(end)
        answer = self.dms.create_replication_task(
            ReplicationTaskIdentifier=f"task-{next(NAMES)}",
            SourceEndpointArn=ends[0],
            TargetEndpointArn=ends[1],
            ReplicationInstanceArn=self.instance,
            MigrationType=kind,
            TableMappings=mappings(*rules),
            ReplicationTaskSettings=json.dumps(settings or {}),
        )
        task = Task(self, answer["ReplicationTask"]["ReplicationTaskArn"], on_source, on_target, *ends)
        self.made.append(task)
        task.until("ready")
        return task

    def clear(self) -> None:
        """Delete the tasks: each holds a slot and a sender of the source."""
        stopping = ("starting", "running", "stopping")
        for task in self.made:
            if task.until("running", "stopped", "failed", "ready", "gone")["Status"] == "running":
                self.dms.stop_replication_task(ReplicationTaskArn=task.arn)
        for task in self.made:
            eventually(lambda task=task: task.status not in stopping)
            with contextlib.suppress(self.dms.exceptions.ResourceNotFoundFault):
                self.dms.delete_replication_task(ReplicationTaskArn=task.arn)
        for task in self.made:
            task.source.close()
            task.target.close()
        self.made.clear()

    def until_gone(self, task: str) -> None:
        filters = [{"Name": "replication-task-arn", "Values": [task]}]

        def gone() -> bool:
            with contextlib.suppress(self.dms.exceptions.ResourceNotFoundFault):
                self.dms.describe_replication_tasks(Filters=filters)
                return False
            return True

        eventually(gone)


@pytest.fixture
def lab(home: Lab) -> Iterator[Lab]:
    """The lab, for one test."""
    mine = replace(home, made=[])
    yield mine
    mine.clear()


@pytest.fixture(scope="session")
def home(sandbox: Any, make_cluster: Callable[..., Any]) -> Iterator[Lab]:
    """Two clusters, one prepared for logical replication, and a replication instance."""
    rds, dms = sandbox.client("rds"), sandbox.client("dms")
    rds.create_db_cluster_parameter_group(
        DBClusterParameterGroupName="dms-lab", DBParameterGroupFamily="aurora-postgresql15", Description="logical"
    )
    parameters = [
        {"ParameterName": name, "ParameterValue": value, "ApplyMethod": "pending-reboot"}
        for name, value in GROUP.items()
    ]
    rds.modify_db_cluster_parameter_group(DBClusterParameterGroupName="dms-lab", Parameters=parameters)
    source = make_cluster("dms-lab-source", parameter_group="dms-lab", keep=True)
    target = make_cluster("dms-lab-target", keep=True)
    answer = dms.create_replication_instance(
        ReplicationInstanceIdentifier="dms-lab", ReplicationInstanceClass="dms.t3.medium"
    )
    arn = answer["ReplicationInstance"]["ReplicationInstanceArn"]
    filters = [{"Name": "replication-instance-arn", "Values": [arn]}]
    eventually(
        lambda: (
            dms.describe_replication_instances(Filters=filters)["ReplicationInstances"][0]["ReplicationInstanceStatus"]
            == "available"
        )
    )
    yield Lab(dms, sandbox, source, target, arn)
