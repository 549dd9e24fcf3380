"""A server whose slots are watched, and one that subscribes to it; both are for the session, and cleaned after each."""

from __future__ import annotations

import itertools
import json
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import psycopg
import pytest
from psycopg import sql

from pg_cdc.config import Migration
from pg_cdc.decisions.slots.world import Owner, OwnerKind, SlotRow, SourceFacts
from pg_cdc.facts.slots.server import read_source_facts
from pg_cdc.hooks.slots.book import learn
from tests.fix_sandbox import Database
from tests.shell.hygiene.recording_notifier import RecordingNotifier

NUMBERS = itertools.count(1)
DATABASE = "watch"
TASK = "arn:aws:dms:eu-west-1:123456789012:task:GONE7K2QEXAMPLE"
READER = "select active_pid from pg_replication_slots where slot_name = %s"
NOTIFIER = {
    "class": "tests.shell.hygiene.recording_notifier.RecordingNotifier",
    "kwargs": {"message": "{{ alarm.title }} | {{ alarm.text }}"},
}
DMS_OWNER = Owner(kind=OwnerKind.DMS_TASK, owner_id=TASK, migration="shop", how="told by a test")


@dataclass
class Watched:
    """One migration from a database of the watched server to one of the subscriber."""

    source: Database
    target: Database
    spec: dict[str, Any]
    slots: list[str] = field(default_factory=list)

    @property
    def database(self) -> str:
        return self.spec["source"]["database"]

    @property
    def migration(self) -> Migration:
        return Migration.model_validate(self.spec)

    def facts(self) -> SourceFacts:
        return read_source_facts([self.migration])

    def slot(self, name: str) -> SlotRow:
        return next(slot for slot in self.facts().slots if slot.name == name)

    def on_source(self, dbname: str | None = None) -> psycopg.Connection:
        return self.source.connect(dbname or self.database)

    def on_target(self) -> psycopg.Connection:
        return self.target.connect(self.spec["target"]["database"])

    def make_slot(self, name: str = "", *, plugin: str = "test_decoding", owner: Owner | None = None) -> str:
        """Make a logical slot, and give it to ``owner`` in the ledger."""
        name = name or f"slot_{next(NUMBERS)}"
        with self.on_source() as conn:
            conn.execute("select pg_create_logical_replication_slot(%s, %s)", (name, plugin))
            self.slots.append(name)
            if owner is not None:
                learn(conn, SlotRow(name=name, slot_type="logical", plugin=plugin), owner)
        return name

    def write_wal(self, rows: int = 100) -> None:
        with self.on_source() as conn:
            conn.execute("insert into notes (text) select repeat('x', 500) from generate_series(1, %s)", (rows,))

    @contextmanager
    def reading(self, name: str) -> Iterator[int]:
        """Read a slot, as a consumer would, and yield its backend's pid."""
        process = self.stream(name)
        try:
            yield self._reader(name)
        finally:
            process.terminate()
            process.wait()

    def stream(self, name: str) -> Any:
        from sandbox.postgres.binaries import find_binaries

        program = find_binaries().bindir / "pg_recvlogical"
        uri = self.source.conn_uri.replace(f"/{self.source.database}?", f"/{self.database}?")
        return subprocess.Popen([program, "-d", uri, "-S", name, "--start", "-f", "/dev/null"])

    def _reader(self, name: str) -> int:
        ends = time.monotonic() + 20
        while time.monotonic() < ends:
            with self.on_source() as conn:
                row = conn.execute(READER, (name,)).fetchone()
            if row and row[0]:
                return int(row[0])
            time.sleep(0.05)
        raise AssertionError(f"nobody reads {name}")

    def clean_up(self) -> None:
        """Leave both servers as a test finds them: databases are too dear to be made for each."""
        with self.source.connect(DATABASE) as conn:
            for name in self.slots:
                with suppress(psycopg.Error):
                    conn.execute("select pg_drop_replication_slot(%s)", (name,))
            conn.execute("drop publication if exists everything")
        for server in (self.source, self.target):
            with server.connect(DATABASE) as conn:
                conn.execute("drop extension if exists pglogical cascade")
        for database in (DATABASE, "postgres", "shop"):
            with self.source.connect(database) as conn:
                conn.execute("drop schema if exists pgcdc cascade")


@pytest.fixture(scope="session")
def hygiene_servers(sandbox, make_instance) -> tuple[Database, Database]:
    rds = sandbox.client("rds")
    rds.create_db_parameter_group(
        DBParameterGroupName="hygiene", DBParameterGroupFamily="postgres15", Description="logical, with pglogical"
    )
    values = {
        "shared_preload_libraries": "pglogical",
        "rds.logical_replication": "1",
        "max_worker_processes": "40",
        "max_replication_slots": "50",
        "max_wal_senders": "30",
    }
    rds.modify_db_parameter_group(
        DBParameterGroupName="hygiene",
        Parameters=[
            {"ParameterName": name, "ParameterValue": value, "ApplyMethod": "pending-reboot"}
            for name, value in values.items()
        ],
    )
    source = make_instance("watched", parameter_group="hygiene", keep=True)
    target = make_instance("subscriber", parameter_group="hygiene", keep=True)
    for server in (source, target):
        with server.connect("postgres") as conn:
            conn.execute(sql.SQL("create database {}").format(sql.Identifier(DATABASE)))
        with server.connect(DATABASE) as conn:
            conn.execute("create table notes (id bigint generated always as identity primary key, text text)")
    return source, target


@pytest.fixture
def watched(hygiene_servers, sandbox, aws_conn, admin_conn) -> Iterator[Watched]:
    source, target = hygiene_servers
    number = next(NUMBERS)
    admin_conn(source, "pg_cdc_source")
    admin_conn(target, "pg_cdc_target")
    spec = {
        "name": f"m{number}",
        "aws": {"region": sandbox.region},
        "source": {"identifier": source.identifier, "database": DATABASE},
        "target": {"identifier": target.identifier, "database": DATABASE},
        "tables": {"rules": [{"schema": "public", "table": "%"}]},
    }
    made = Watched(source, target, spec)
    yield made
    sandbox.faults.clear()
    made.clean_up()


@pytest.fixture
def params(watched) -> dict[str, Any]:
    """A run that looks at the watched server, and drops at once."""
    return {
        "sources": [{"identifier": watched.source.identifier, "database": watched.database}],
        "spec_files": [],
        "grace_seconds": 0,
        "dry_run": False,
    }


@pytest.fixture
def no_spec_files(tmp_path, monkeypatch):
    monkeypatch.setattr("pg_cdc.spec.migrations_directory", lambda: tmp_path)


@pytest.fixture
def notified(monkeypatch):
    monkeypatch.setenv("AIRFLOW_VAR_PG_CDC_NOTIFIERS", json.dumps([NOTIFIER]))
    RecordingNotifier.told.clear()
    yield RecordingNotifier.told
    RecordingNotifier.told.clear()
    RecordingNotifier.broken.clear()
