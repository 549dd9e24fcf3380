"""A source for the bootstrap steps: one server for all tests, a database and two roles for each."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import psycopg
import pytest
from psycopg import sql

from tests.fix_sandbox import Database

DMS_PASSWORD = "a-dms-Passw0rd"
APP_PASSWORD = "an-app-Passw0rd"


@dataclass
class Source:
    """A database of its own on the shared server. ``dms`` and ``app``: roles that nobody else uses."""

    server: Database
    name: str
    dms: str
    app: str
    migration: dict[str, Any]
    set_connection: Callable[..., None] = field(repr=False)

    def admin(self, dbname: str | None = None) -> psycopg.Connection:
        return self.server.connect(dbname=dbname or self.name)

    def login(self, role: str, password: str = APP_PASSWORD) -> psycopg.Connection:
        return self.server.connect(dbname=self.name, user=role, password=password)

    def make_role(self, role: str) -> str:
        with self.admin() as conn:
            conn.execute(
                sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(sql.Identifier(role), sql.Literal(APP_PASSWORD))
            )
        return role

    def make_schema(self, schema: str, owner: str) -> str:
        with self.admin() as conn:
            conn.execute(
                sql.SQL("CREATE SCHEMA {} AUTHORIZATION {}").format(sql.Identifier(schema), sql.Identifier(owner))
            )
        return schema

    def spec(self, **sections: dict[str, Any]) -> dict[str, Any]:
        return {**self.migration, **{key: {**self.migration.get(key, {}), **new} for key, new in sections.items()}}

    def run(self, operator: type, context: dict[str, Any] | None = None, **sections: dict[str, Any]) -> dict[str, Any]:
        """Run a step."""
        return operator(task_id="step", migration=self.spec(**sections)).execute(context or {"params": {}})

    @contextmanager
    def nothing_written(self) -> Iterator[None]:
        """Fail when the block writes to the database: no row, no catalogue entry, no transaction id."""
        with self.admin() as conn:
            before = _footprint(conn)
            yield
            assert _footprint(conn) == before


CATALOGUES = (
    "pg_auth_members",
    "pg_namespace",
    "pg_class",
    "pg_proc",
    "pg_event_trigger",
    "pg_extension",
    "pg_attribute",
)

ROLES = """
SELECT count(*), md5(string_agg(format('%s %s %s', rolname, rolpassword, rolcanlogin), ' ' ORDER BY oid)) FROM pg_authid
"""
"""By content: the sandbox itself sets REPLICATION on members of rds_replication, a moment later."""


def _footprint(conn: psycopg.Connection) -> tuple[Any, ...]:
    """Every change of a catalogue leaves another xmin or another number of rows."""
    marks = [conn.execute(ROLES).fetchone()]
    for name in CATALOGUES:
        query = sql.SQL("SELECT count(*), max(xmin::text::bigint), max(ctid) FROM {}").format(sql.Identifier(name))
        marks.append(conn.execute(query).fetchone())
    return tuple(marks)


@pytest.fixture(scope="session")
def bootstrap_server(sandbox, make_instance) -> Database:
    return make_pglogical_server(sandbox, make_instance, "bootstrap")


def make_pglogical_server(sandbox: Any, make_instance: Any, name: str) -> Database:
    """Make an instance with pglogical preloaded, on a parameter group of its name."""
    rds = sandbox.client("rds")
    rds.create_db_parameter_group(
        DBParameterGroupName=name, DBParameterGroupFamily="postgres15", Description="pglogical preloaded"
    )
    values = {"shared_preload_libraries": "pglogical", "rds.logical_replication": "1", "max_worker_processes": "40"}
    rds.modify_db_parameter_group(
        DBParameterGroupName=name,
        Parameters=[
            {"ParameterName": parameter, "ParameterValue": value, "ApplyMethod": "pending-reboot"}
            for parameter, value in values.items()
        ],
    )
    return make_instance(name, parameter_group=name, keep=True)


@pytest.fixture
def source(bootstrap_server, sandbox, aws_conn, admin_conn, monkeypatch) -> Source:
    """A database with schema ``shop``, two tables in it, and the role that owns them."""
    mark = secrets.token_hex(4)

    def set_connection(conn_id: str, **values: Any) -> None:
        monkeypatch.setenv(f"AIRFLOW_CONN_{conn_id.upper()}", json.dumps({"conn_type": "postgres", **values}))

    admin_conn(bootstrap_server, "pg_cdc_source")
    set_connection("pg_cdc_dms_role", login=f"dms_{mark}", password=DMS_PASSWORD)
    made = Source(
        server=bootstrap_server,
        name=f"shop_{mark}",
        dms=f"dms_{mark}",
        app=f"app_{mark}",
        migration={
            "name": "shop",
            "source": {"identifier": "bootstrap", "database": f"shop_{mark}"},
            "dms_role": {"name": f"dms_{mark}"},
            "tables": {"rules": [{"schema": "shop", "table": "%"}]},
        },
        set_connection=set_connection,
    )
    with made.admin("postgres") as conn:
        conn.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(made.name)))
    made.make_schema("shop", made.make_role(made.app))
    with made.login(made.app) as conn:
        conn.execute("CREATE TABLE shop.orders (id integer PRIMARY KEY, note text)")
        conn.execute("CREATE TABLE shop.events (id integer)")
    return made
