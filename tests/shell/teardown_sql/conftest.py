"""A migration's two ends on one server of their own, with everything in them that a migration makes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import psycopg
import pytest
from psycopg import sql

from pg_cdc.config import Migration
from pg_cdc.config.teardown import Teardown
from pg_cdc.decisions.teardown.residue import Fate, Residue, judge_all
from pg_cdc.decisions.world import Slot
from pg_cdc.facts.teardown.residue_sql import source_traces, target_traces
from pg_cdc.hooks.control_tables import ensure_ledger, ensure_marker, record_slot, write_marker
from pg_cdc.hooks.history import forget_before
from pg_cdc.hooks.lease import LeaseBook
from pg_cdc.operators.source.bootstrap import EnsureDmsRoleOperator, InstallDdlAuditOperator, InstallPglogicalOperator
from pg_cdc.operators.teardown.sql import (
    DropDmsRoleOperator,
    DropSlotOperator,
    RemoveControlSchemaOperator,
    RemoveDdlAuditOperator,
    RemovePglogicalOperator,
    RemoveTargetTablesOperator,
)
from pg_cdc.spec import migration_from_mapping
from pg_cdc.sql_files import read_sql
from tests.fix_bootstrap import DMS_PASSWORD, Source, make_pglogical_server

SOURCE_STEPS = (
    DropSlotOperator,
    RemoveDdlAuditOperator,
    RemovePglogicalOperator,
    DropDmsRoleOperator,
    RemoveControlSchemaOperator,
)
STEPS = (*SOURCE_STEPS[:4], RemoveTargetTablesOperator, RemoveControlSchemaOperator)
"""In the order of the DAG."""

ARN = "arn:aws:dms:eu-west-1:123456789012:task:ABCDEFGHIJKLMNOPQRSTUVWXYZ"
CONTROL_TABLES = ("awsdms_apply_exceptions", "awsdms_txn_state", "awsdms_status")


@dataclass
class Scene:
    """A source and a target. ``source`` runs steps, ``copy`` is the target's database on the same server."""

    source: Source
    copy: str

    @property
    def migration(self) -> Migration:
        return migration_from_mapping(self.source.spec())

    @property
    def name(self) -> str:
        return self.source.migration["name"]

    def admin(self, dbname: str | None = None) -> psycopg.Connection:
        return self.source.admin(dbname)

    def sql(self, statement: str, *values: Any, dbname: str | None = None) -> list[tuple[Any, ...]]:
        with self.admin(dbname) as conn:
            cursor = conn.execute(statement, values or None)
            return cursor.fetchall() if cursor.description else []

    def run(self, operator: type, keep: list[str] | None = None, **kwargs: Any) -> dict[str, Any]:
        context = {"params": {"teardown_keep": keep or []}, "run_id": "teardown"}
        spec = self.source.spec()
        return operator(task_id="step", migration=spec, patience_seconds=1, **kwargs).execute(context)

    def run_all(self, keep: list[str] | None = None) -> list[str]:
        changes = [change for step in STEPS[:-1] for change in self.run(step, keep)["changes"]]
        if not {"parameters", "source"} & set(keep or ()):
            self.parameters_are_back()
        return [*changes, *self.run(STEPS[-1], keep)["changes"]]

    def parameters_are_back(self) -> None:
        """Forget the old values, as the step does that proves it."""
        with self.admin() as conn:
            (there,) = conn.execute("SELECT to_regclass('pgcdc.parameter_before') IS NOT NULL").fetchone()
            if there and conn.execute("SELECT FROM pgcdc.parameter_before WHERE migration = %s", (self.name,)).rowcount:
                forget_before(conn, self.name)

    def residue(self, keep: list[str] | None = None) -> tuple[Residue, ...]:
        teardown = Teardown.model_validate({"keep": keep or []})
        return judge_all((*source_traces(self.migration, teardown), *target_traces(self.migration, teardown)))

    def fates(self, keep: list[str] | None = None) -> dict[str, Fate]:
        return {f"{line.kind} {line.name}": line.fate for line in self.residue(keep)}

    def line(self, kind: str, keep: list[str] | None = None, *, place: str = "source", name: str = "") -> Residue:
        found = [
            one for one in self.residue(keep) if (one.kind, one.place) == (kind, place) and one.name.startswith(name)
        ]
        assert len(found) == 1, found
        return found[0]

    def bootstrap(self, *, pglogical: bool = True) -> None:
        """Prepare the source as a migration does."""
        self.source.run(EnsureDmsRoleOperator)
        self.source.run(InstallDdlAuditOperator)
        if pglogical:
            self.source.run(InstallPglogicalOperator)

    def books(self) -> None:
        """Write what a migration remembers, here and in database postgres."""
        with self.admin() as conn:
            conn.execute("SET search_path = pg_catalog")
            ensure_marker(conn, self.source.dms)
            ensure_ledger(conn)
            write_marker(conn, self.name, "a start")
            conn.execute(read_sql("source/create_parameter_before.sql"))
            conn.execute(read_sql("source/create_reboot.sql"))
            self.parameter_row(conn, self.name)
            conn.execute(
                "INSERT INTO pgcdc.reboot VALUES (%s, 'i', 'why', '', now(), now())",
                (self.name,),
            )
        with self.admin("postgres") as conn:
            LeaseBook(conn, "bootstrap").ensure_table()

    def parameter_row(self, conn: psycopg.Connection, migration: str) -> None:
        """Write a row whatever columns the table has."""
        known = {"migration": migration, "name": "rds.logical_replication", "cluster_group": False, "value": "0"}
        columns = conn.execute(
            "SELECT attname FROM pg_attribute WHERE attrelid = 'pgcdc.parameter_before'::regclass"
            " AND attnum > 0 AND NOT atthasdef"
        ).fetchall()
        row = {name: known.get(name, "x") for (name,) in columns}
        query = sql.SQL("INSERT INTO pgcdc.parameter_before ({}) VALUES ({})").format(
            sql.SQL(", ").join(map(sql.Identifier, row)), sql.SQL(", ").join(map(sql.Literal, row.values()))
        )
        conn.execute(query)

    def slot(self, name: str, *, recorded: bool = True, plugin: str = "test_decoding", migration: str = "") -> str:
        """Make a slot; ``recorded``: in the ledger, as this migration's or that of ``migration``."""
        self.sql("SELECT pg_create_logical_replication_slot(%s, %s)", name, plugin)
        if recorded:
            with self.admin() as conn:
                ensure_ledger(conn)
                made = Slot(
                    name=name,
                    plugin=plugin,
                    slot_type="logical",
                    database=self.source.name,
                    active=False,
                    wal_status="reserved",
                    retained_bytes=0,
                )
                record_slot(conn, made, task_arn=ARN, migration=migration or self.name, how="test")
        return name

    def begin(self, name: str) -> Scene:
        """Let another migration of this database be under way, with all that it makes here."""
        spec = {**self.source.migration, "name": name}
        other = Scene(replace(self.source, migration=spec), self.copy)
        other.bootstrap()
        other.books()
        return other

    def elsewhere(self) -> Scene:
        """Return a migration of another database of the server, with the same DMS role."""
        name = f"{self.source.name}_b"
        with self.admin("postgres") as conn:
            conn.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        section = {**self.source.migration["source"], "database": name}
        spec = {**self.source.migration, "name": "second", "source": section}
        other = Scene(replace(self.source, name=name, migration=spec), self.copy)
        other.source.make_schema("shop", self.source.app)
        return other

    def heartbeat(self) -> None:
        with self.source.login(self.source.dms, DMS_PASSWORD) as conn:
            conn.execute("CREATE TABLE dms_replication.awsdms_heartbeat (hb_key serial PRIMARY KEY)")

    def target_tables(self) -> None:
        """Make what DMS makes on the target, and two replicated tables."""
        with self.admin(self.copy) as conn:
            for name in CONTROL_TABLES:
                conn.execute(sql.SQL("CREATE TABLE public.{} (task_name text)").format(sql.Identifier(name)))
            conn.execute("CREATE SCHEMA pgcdc")
            conn.execute("CREATE TABLE pgcdc.marker (migration text PRIMARY KEY, token text)")
            conn.execute("INSERT INTO pgcdc.marker VALUES (%s, 'x')", (self.name,))
            conn.execute("CREATE SCHEMA shop")
            conn.execute("CREATE TABLE shop.orders (id integer PRIMARY KEY, note text)")
            conn.execute("INSERT INTO shop.orders VALUES (1, 'a copy')")

    def whole(self) -> None:
        """Make all that a migration makes on both ends."""
        self.bootstrap()
        self.books()
        self.slot(f"s_{self.source.name}", plugin="pglogical_output")
        self.heartbeat()
        self.target_tables()

    @contextmanager
    def nothing_written(self) -> Iterator[None]:
        """Let the server refuse whatever the block writes, be it an IF EXISTS that finds nothing."""
        self.connections("-c default_transaction_read_only=on")
        yield
        self.connections("")

    def connections(self, options: str) -> None:
        server = self.source.server
        extra = {"sslmode": "verify-full", "sslrootcert": str(server.sandbox.ca_file), "options": options}
        for conn_id in ("pg_cdc_source", "pg_cdc_target"):
            self.source.set_connection(conn_id, login=server.user, password=server.password, extra=extra)


@pytest.fixture(scope="session")
def bootstrap_server(sandbox, make_instance) -> Any:
    """A server of these tests' own, in the place of the one that is shared: whole servers are judged here."""
    return make_pglogical_server(sandbox, make_instance, "teardown-sql")


@pytest.fixture
def scene(source) -> Iterator[Scene]:
    """A source with schema ``shop`` and an empty target, before any migration."""
    copy = f"copy_{source.name}"
    source.migration["source"]["identifier"] = "teardown-sql"
    source.migration["target"] = {"identifier": "teardown-sql", "database": copy}
    source.migration["aws"] = {"region": source.server.sandbox.region}
    source.migration["timeouts"] = {"poll_seconds": 1}
    with source.admin("postgres") as conn:
        conn.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(copy)))
    made = Scene(source, copy)
    made.connections("")
    yield made
    clean_up(made)


def clean_up(scene: Scene) -> None:
    """Leave a server on which no migration is, and whose old databases nobody looks into any more."""
    with scene.admin("postgres") as conn:
        conn.execute("DROP SCHEMA IF EXISTS pgcdc CASCADE")
        for (name,) in conn.execute("SELECT slot_name FROM pg_replication_slots WHERE NOT active").fetchall():
            conn.execute("SELECT pg_drop_replication_slot(%s)", (name,))
        query = (
            "SELECT datname FROM pg_database WHERE datallowconn AND NOT datistemplate AND datname ~ '^(copy_)?shop_'"
        )
        for (base,) in conn.execute(query).fetchall():
            conn.execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS false").format(sql.Identifier(base)))
    scene.source.server.sandbox.faults.clear()


@pytest.fixture
def whole(scene) -> Scene:
    """All that a migration makes."""
    scene.whole()
    return scene


@pytest.fixture
def strangers_endpoint(sandbox) -> Iterator[Callable[..., str]]:
    """``strangers_endpoint(scene, username=, database=)``: a DMS endpoint of the same server that is not ours."""
    dms = sandbox.client("dms")
    made = []

    def make(
        scene: Scene, *, database: str, username: str = "postgres", identifier: str = "strangers", end: str = "source"
    ) -> str:
        server = scene.source.server
        answer = dms.create_endpoint(
            EndpointIdentifier=identifier,
            EndpointType=end,
            EngineName="postgres",
            ServerName=server.host,
            Port=server.port,
            DatabaseName=database,
            Username=username,
            Password="a-Passw0rd",
        )
        made.append(answer["Endpoint"]["EndpointArn"])
        return identifier

    yield make
    for arn in made:
        dms.delete_endpoint(EndpointArn=arn)
