"""The two servers of the load benchmark, and a native migration between them by its own steps, without a scheduler."""

from __future__ import annotations

import json
import os
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import copy_context
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import psycopg

    from sandbox.sandbox import Sandbox

PASSWORD = "a-bench-Passw0rd"
SETTINGS = {
    "maintenance_work_mem": "512MB",
    "max_wal_size": "16GB",
    "checkpoint_timeout": "30min",
    "fsync": "on",
    "full_page_writes": "on",
    "wal_compression": "off",
}
"""On both ends and for every method: memory to sort in, no checkpoint in the middle of a run, a durable disk, and what
preflight advises where RDS's default compresses each page of a new index."""

SHARED_BUFFERS = "262144"
"""In pages: 2 GB, so that the tables and their indexes fit, as RDS gives a server of 8 GB."""

SPEC = {
    "name": "bench",
    "source": {"identifier": "bench-source", "database": "bench"},
    "target": {"identifier": "bench-target", "database": "bench"},
    "tables": {"rules": [{"schema": "public", "table": "%"}]},
    "native": {"keyless_tables": "identity-full"},
    "timeouts": {"poll_seconds": 1},
}


@dataclass
class Lab:
    """A filled source, and a target to be filled."""

    sandbox: Sandbox
    bindir: Path

    def dsn(self, identifier: str, *, inside: bool = False, dbname: str = "bench") -> str:
        """Return a connection string; ``inside``: as a server that connects to another needs it."""
        port = self.sandbox.rds.instances[identifier].server.port
        tls = "sslmode=require" if inside else f"sslmode=verify-full sslrootcert={self.sandbox.ca_file}"
        return f"host=localhost port={port} dbname={dbname} user=postgres password={PASSWORD} {tls}"

    def source_dsn(self, *, inside: bool = False) -> str:
        return self.dsn("bench-source", inside=inside)

    def target_dsn(self) -> str:
        return self.dsn("bench-target")

    def source(self, dbname: str = "bench") -> psycopg.Connection[Any]:
        import psycopg

        return psycopg.connect(self.dsn("bench-source", dbname=dbname), autocommit=True)

    def target(self, dbname: str = "bench") -> psycopg.Connection[Any]:
        import psycopg

        return psycopg.connect(self.dsn("bench-target", dbname=dbname), autocommit=True)

    def clean(self) -> None:
        """Undo what a method did: a target that is empty, a source that publishes nothing."""
        with self.target() as conn:
            for (name,) in conn.execute("select subname from pg_subscription").fetchall():
                conn.execute(f"alter subscription {name} disable")
                conn.execute(f"alter subscription {name} set (slot_name = none)")
                conn.execute(f"drop subscription {name}")
        with self.source() as conn:
            _drop_slots(conn)
            for (name,) in conn.execute("select pubname from pg_publication").fetchall():
                conn.execute(f"drop publication {name}")
            conn.execute("drop schema if exists pgcdc cascade; drop schema if exists pgcdc_native cascade")
            conn.execute("checkpoint")
        with self.target("postgres") as conn:
            conn.execute("drop database bench with (force)")
            conn.execute("create database bench")
            conn.execute("checkpoint")

    def migrate(self) -> None:
        """Run the steps of a native migration, from the publication to the enabled subscription.

        They share one client for AWS: what each task of Airflow takes to start is the clone_to_streaming benchmark's.
        """
        from pg_cdc.hooks.memo import hooks_shared

        with hooks_shared():
            self._run_steps()

    def _run_steps(self) -> None:
        from pg_cdc.operators.native.indexes import BuildIndexesOperator
        from pg_cdc.operators.native.keeper import KeepSnapshotOperator
        from pg_cdc.operators.native.load import LoadTablesOperator
        from pg_cdc.operators.native.prepare import (
            CopySchemaOperator,
            EnsurePublicationOperator,
            EnsureSubscriptionOperator,
        )
        from pg_cdc.operators.native.stream import EnableSubscriptionOperator

        for step in (EnsurePublicationOperator, CopySchemaOperator, EnsureSubscriptionOperator):
            _run(step)
        keeper = threading.Thread(target=copy_context().run, args=(_run, KeepSnapshotOperator))
        keeper.start()
        _run(LoadTablesOperator)
        for step in (BuildIndexesOperator, EnableSubscriptionOperator):
            _run(step)
        self.keeper = keeper

    def check(self, method: str) -> None:
        """Refuse a method that did not bring all rows and indexes over."""
        if (keeper := self.__dict__.pop("keeper", None)) is not None:
            keeper.join()
        query = "select count(*), (select count(*) from pg_indexes where schemaname = 'public') from pgbench_accounts"
        with self.source() as here, self.target() as there:
            if (wanted := here.execute(query).fetchone()) != (found := there.execute(query).fetchone()):
                raise RuntimeError(f"{method} left {found} rows and indexes, expected {wanted}")


@contextmanager
def open_lab(place: Path, *, scale: int) -> Iterator[Lab]:
    """Start two servers, fill the first with pgbench's tables and an index more, and make the migration's role."""
    from sandbox.postgres.binaries import find_binaries
    from sandbox.sandbox import Sandbox

    os.environ.update({"AIRFLOW_HOME": str(place / "airflow"), "AIRFLOW__CORE__LOAD_EXAMPLES": "False"})
    os.environ["AIRFLOW__LOGGING__LOGGING_LEVEL"] = "ERROR"
    binaries = find_binaries()
    with Sandbox(place / "sandbox") as sandbox:
        _make_servers(sandbox)
        lab = Lab(sandbox, binaries.bindir)
        for end in (lab.source, lab.target):
            with end() as conn:
                for name, value in SETTINGS.items():
                    conn.execute(f"alter system set {name} = '{value}'")
                conn.execute("select pg_reload_conf()")
        tool = [binaries.bindir / "pgbench", "--quiet", "--initialize", f"--scale={scale}", lab.source_dsn()]
        subprocess.run(tool, check=True, capture_output=True)
        with lab.source() as conn:
            conn.execute("create index on pgbench_accounts (bid, aid)")
            conn.execute("vacuum analyze")
        _set_connections(sandbox)
        from pg_cdc.operators.source.bootstrap import EnsureDmsRoleOperator

        _run(EnsureDmsRoleOperator)
        yield lab


def _run(step: type) -> dict[str, Any]:
    done: dict[str, Any] = step(task_id="step", migration=SPEC, patience_seconds=600).execute({"params": {}})
    return done


def _drop_slots(conn: psycopg.Connection[Any]) -> None:
    import psycopg

    for (name,) in conn.execute("select slot_name from pg_replication_slots").fetchall():
        for _ in range(100):
            try:
                conn.execute("select pg_drop_replication_slot(%s)", (name,))
                break
            except psycopg.errors.ObjectInUse:
                time.sleep(0.1)


def _make_servers(sandbox: Sandbox) -> None:
    rds = sandbox.client("rds")
    rds.create_db_parameter_group(
        DBParameterGroupName="bench", DBParameterGroupFamily="postgres15", Description="for loads"
    )
    values = {"rds.logical_replication": "1", "shared_buffers": SHARED_BUFFERS}
    rds.modify_db_parameter_group(
        DBParameterGroupName="bench",
        Parameters=[
            {"ParameterName": name, "ParameterValue": value, "ApplyMethod": "pending-reboot"}
            for name, value in values.items()
        ],
    )
    names = ("bench-source", "bench-target")
    for name in names:
        rds.create_db_instance(
            DBInstanceIdentifier=name, Engine="postgres", DBInstanceClass="db.t3.medium", AllocatedStorage=50,
            DBName="bench", MasterUsername="postgres", MasterUserPassword=PASSWORD, DBParameterGroupName="bench",
        )  # fmt: skip
    for name in names:
        while rds.describe_db_instances(DBInstanceIdentifier=name)["DBInstances"][0]["DBInstanceStatus"] != "available":
            time.sleep(0.1)


def _set_connections(sandbox: Sandbox) -> None:
    extra = {"endpoint_url": sandbox.endpoint_url, "region_name": sandbox.region}
    aws = {"conn_type": "aws", "login": "sandbox", "password": "sandbox", "extra": extra}
    tls = {"sslmode": "verify-full", "sslrootcert": str(sandbox.ca_file)}
    admin = {"conn_type": "postgres", "login": "postgres", "password": PASSWORD, "extra": tls}
    role = {"conn_type": "postgres", "login": "app_dms", "password": PASSWORD}
    connections = {"AWS_DEFAULT": aws, "PG_CDC_SOURCE": admin, "PG_CDC_TARGET": admin, "PG_CDC_DMS_ROLE": role}
    os.environ.update({f"AIRFLOW_CONN_{name}": json.dumps(value) for name, value in connections.items()})
