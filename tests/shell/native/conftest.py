"""Two servers, a database on each, and the steps of native replication between them."""

from __future__ import annotations

import json
import secrets
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import psycopg
import pytest
from psycopg import sql

from pg_cdc.operators.base import CdcOperator
from pg_cdc.operators.native.indexes import BuildIndexesOperator
from pg_cdc.operators.native.keeper import KeepSnapshotOperator
from pg_cdc.operators.native.load import LoadTablesOperator
from pg_cdc.operators.native.prepare import (
    CopySchemaOperator,
    EnsurePublicationOperator,
    EnsureSubscriptionOperator,
)
from pg_cdc.operators.native.stream import EnableSubscriptionOperator, WaitNativeStreamingOperator
from pg_cdc.operators.source.bootstrap import EnsureDmsRoleOperator
from tests.fix_sandbox import Database
from tests.shell.native.shop import SHOP

ROLE_PASSWORD = "a-replication-Passw0rd"
PREPARE = (EnsureDmsRoleOperator, EnsurePublicationOperator, CopySchemaOperator, EnsureSubscriptionOperator)
LOAD = (KeepSnapshotOperator, LoadTablesOperator)
STREAM = (BuildIndexesOperator, EnableSubscriptionOperator, WaitNativeStreamingOperator)


@dataclass
class Pair:
    """A source database and a target database of their own."""

    source: Database
    target: Database
    name: str
    migration: dict[str, Any]
    failures: list[BaseException] = field(default_factory=list)

    def on_source(self, **options: str) -> psycopg.Connection:
        conn = self.source.connect(dbname=self.name)
        for name, value in options.items():
            conn.execute("select set_config(%s, %s, false)", (name, value))
        return conn

    def on_target(self) -> psycopg.Connection:
        return self.target.connect(dbname=self.name)

    def spec(self, **sections: dict[str, Any]) -> dict[str, Any]:
        return {**self.migration, **{key: {**self.migration.get(key, {}), **new} for key, new in sections.items()}}

    def run(self, step: type[CdcOperator], **sections: dict[str, Any]) -> dict[str, Any]:
        operator = step(task_id="step", migration=self.spec(**sections), patience_seconds=60)
        return operator.execute({"params": {}})

    def run_all(self, steps: tuple[type[CdcOperator], ...], **sections: dict[str, Any]) -> dict[str, dict[str, Any]]:
        return {step.__name__: self.run(step, **sections) for step in steps}

    def begin(self, step: type[CdcOperator], **sections: dict[str, Any]) -> threading.Thread:
        """Run a step beside others; what it raises is kept in ``failures``."""

        def work() -> None:
            try:
                self.run(step, **sections)
            except BaseException as err:
                self.failures.append(err)

        thread = threading.Thread(target=work, name=step.__name__, daemon=True)
        thread.start()
        return thread

    def load(self, **sections: dict[str, Any]) -> dict[str, Any]:
        """Run the keeper and the loader beside each other, as the DAG does."""
        keeper = self.begin(KeepSnapshotOperator, **sections)
        loaded = self.run(LoadTablesOperator, **sections)
        keeper.join(30)
        assert not keeper.is_alive() and not self.failures, self.failures
        return loaded

    def migrate(self, **sections: dict[str, Any]) -> None:
        self.run_all(PREPARE, **sections)
        self.load(**sections)
        self.run_all(STREAM, **sections)

    def slots(self) -> list[str]:
        with self.on_source() as conn:
            query = "select slot_name from pg_replication_slots where database = current_database() order by 1"
            return [row[0] for row in conn.execute(query)]


LOGICAL = {
    "rds.logical_replication": "1", "max_replication_slots": "40", "max_wal_senders": "40",
    "max_worker_processes": "40", "max_logical_replication_workers": "20",
}  # fmt: skip


@pytest.fixture(scope="session")
def native_servers(sandbox, make_instance) -> tuple[Database, Database]:
    return make_servers(sandbox, make_instance, "native", LOGICAL)


def make_servers(sandbox, make_instance, name: str, values: dict[str, str]) -> tuple[Database, Database]:
    sandbox.client("rds").create_db_parameter_group(
        DBParameterGroupName=name, DBParameterGroupFamily="postgres15", Description="logical replication"
    )
    sandbox.client("rds").modify_db_parameter_group(
        DBParameterGroupName=name,
        Parameters=[
            {"ParameterName": parameter, "ParameterValue": value, "ApplyMethod": "pending-reboot"}
            for parameter, value in values.items()
        ],
    )
    return (
        make_instance(f"{name}-source", parameter_group=name, keep=True),
        make_instance(f"{name}-target", parameter_group=name, keep=True),
    )


@pytest.fixture
def pair(native_servers, aws_conn, admin_conn, monkeypatch) -> Iterator[Pair]:
    """A shop on the source, nothing on the target; dropped afterwards, as idle workers are not free."""
    made = make_pair(native_servers, admin_conn, monkeypatch, "native")
    yield made
    _drop(made)


def make_pair(servers: tuple[Database, Database], admin_conn, monkeypatch, prefix: str) -> Pair:
    source, target = servers
    mark = secrets.token_hex(3)
    name, role = f"shop_{mark}", f"repl_{mark}"
    admin_conn(source, "pg_cdc_source")
    admin_conn(target, "pg_cdc_target")
    login = {"conn_type": "postgres", "login": role, "password": ROLE_PASSWORD}
    monkeypatch.setenv("AIRFLOW_CONN_PG_CDC_DMS_ROLE", json.dumps(login))
    for server in (source, target):
        with server.connect(dbname="postgres") as conn:
            conn.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    with source.connect(dbname=name) as conn:
        conn.execute(SHOP)
    return Pair(
        source=source,
        target=target,
        name=name,
        migration={
            "name": f"m-{mark}",
            "source": {"identifier": f"{prefix}-source", "database": name},
            "target": {"identifier": f"{prefix}-target", "database": name},
            "dms_role": {"name": role},
            "tables": {"rules": [{"schema": "shop", "table": "%"}]},
            "native": {"keyless_tables": "identity-full"},
            "timeouts": {"poll_seconds": 1},
        },
    )


def _drop(pair: Pair) -> None:
    with pair.on_target() as conn:
        for (subscription,) in conn.execute(
            "select subname from pg_subscription where subdbid = (select oid from pg_database where datname = %s)",
            (pair.name,),
        ).fetchall():
            for command in ("disable", "set (slot_name = none)"):
                conn.execute(sql.SQL("alter subscription {} " + command).format(sql.Identifier(subscription)))
            conn.execute(sql.SQL("drop subscription {}").format(sql.Identifier(subscription)))
    with pair.source.connect(dbname="postgres") as conn:
        conn.execute(
            "select pg_terminate_backend(active_pid) from pg_replication_slots where database = %s and active",
            (pair.name,),
        )
        for _ in range(50):
            try:
                conn.execute(
                    "select pg_drop_replication_slot(slot_name) from pg_replication_slots where database = %s",
                    (pair.name,),
                )
                break
            except psycopg.errors.ObjectInUse:
                conn.execute("select pg_sleep(0.1)")
    for server in (pair.source, pair.target):
        with server.connect(dbname="postgres") as conn:
            conn.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(pair.name)))
