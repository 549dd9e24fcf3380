"""An end that is gone or away stops nothing, and is never called clean; a target loses DMS's own tables only."""

from __future__ import annotations

import pytest
from psycopg import sql

from pg_cdc.decisions.teardown.residue import Fate, is_clean
from pg_cdc.operators.teardown.sql import DropSlotOperator, RemoveTargetTablesOperator
from pg_cdc.sql_files import read_sql
from tests.cases import all_but_exhaustive
from tests.shell.teardown_sql.conftest import SOURCE_STEPS, STEPS

NOWHERE = 1
"""A port where nothing listens."""


def away(scene, conn_id: str) -> str:
    server = scene.source.server
    extra = {"sslmode": "require", "connect_timeout": 2}
    scene.source.set_connection(
        conn_id, login=server.user, password=server.password, host="localhost", port=NOWHERE, extra=extra
    )
    return "no connection (no answer)"


def refused(scene, conn_id: str) -> str:
    server = scene.source.server
    extra = {"sslmode": "verify-full", "sslrootcert": str(server.sandbox.ca_file)}
    scene.source.set_connection(conn_id, login=server.user, password="wrong", extra=extra)
    return "wrong password"


def deleted(scene, conn_id: str) -> str:
    scene.source.migration["source" if conn_id.endswith("source") else "target"]["identifier"] = "no-more"
    return "no cluster or instance no-more"


WAYS = all_but_exhaustive([away, refused, deleted], {away})
UNREACHABLE = pytest.mark.parametrize("happens", WAYS, ids=lambda way: way.__name__)


class TestASourceThatCannotBeReached:
    @UNREACHABLE
    def test_is_told_of_and_stops_no_step(self, whole, happens):
        why = happens(whole, "pg_cdc_source")

        for step in SOURCE_STEPS:
            told = whole.run(step)
            assert told["changes"] == []
            assert told["facts"] == {"reached": False}
            assert "could not reach the source" in told["warnings"][0]
            assert why in told["warnings"][0]
        assert whole.run(RemoveTargetTablesOperator)["changes"] != []

    @UNREACHABLE
    def test_is_never_called_clean(self, whole, happens):
        why = happens(whole, "pg_cdc_source")

        lines = [line for line in whole.residue() if line.place == "source"]

        assert {line.fate for line in lines} == {Fate.UNCHECKED}
        assert all(why in line.why for line in lines)
        assert {"replication slot", "event trigger", "function", "extension", "role", "rows", "schema"} <= {
            line.kind for line in lines
        }


class TestATargetThatCannotBeReached:
    @UNREACHABLE
    def test_is_told_of_and_stops_nothing(self, whole, happens):
        happens(whole, "pg_cdc_target")

        told = whole.run(RemoveTargetTablesOperator)

        assert told["changes"] == []
        assert "could not reach the target" in told["warnings"][0]
        assert whole.run(DropSlotOperator)["changes"] != []
        lines = [line for line in whole.residue() if line.place == "target"]
        assert {line.fate for line in lines} == {Fate.UNCHECKED}


class TestADatabaseThatWasDropped:
    def test_on_the_source_is_gone_with_all_in_it_and_the_rest_goes(self, scene):
        scene.bootstrap(pglogical=False)
        scene.books()
        drop(scene, scene.source.name)

        assert set(scene.fates().values()) == {Fate.GONE, Fate.LEFT, Fate.KEPT}
        changes = [change for step in STEPS for change in scene.run(step)["changes"]]

        assert changes == [
            f"dropped role {scene.source.dms} with its grants",
            "dropped schema pgcdc of database postgres",
        ]
        assert is_clean(scene.residue())

    def test_on_the_target_is_gone_with_all_in_it(self, scene):
        scene.target_tables()
        drop(scene, scene.copy)

        assert scene.run(RemoveTargetTablesOperator)["changes"] == []
        assert {line.fate for line in scene.residue() if line.place == "target"} == {Fate.GONE}


class TestTheTarget:
    def test_keeps_the_marker_and_the_tables_for_another_migration(self, whole):
        whole.sql("INSERT INTO pgcdc.marker VALUES ('second', 'y')", dbname=whole.copy)

        assert whole.run(RemoveTargetTablesOperator)["changes"] == ["deleted the marker of shop on the target"]

        assert whole.sql("SELECT migration FROM pgcdc.marker", dbname=whole.copy) == [("second",)]
        assert whole.line("schema", place="target").why == "needed by migration second"

    def test_keeps_the_tables_for_a_strangers_task(self, whole, strangers_endpoint):
        strangers_endpoint(whole, database=whole.copy, end="target")

        whole.run(RemoveTargetTablesOperator)

        kept = [line for line in whole.residue() if line.place == "target" and line.kind == "table"]
        assert {line.why for line in kept} == {"needed by DMS endpoint strangers"}
        assert whole.run(RemoveTargetTablesOperator)["changes"] == []

    def test_keeps_a_table_of_somebody_else(self, whole):
        role = whole.source.make_role(f"x_{whole.source.name}")
        whole.sql(f"ALTER TABLE public.awsdms_status OWNER TO {role}", dbname=whole.copy)

        whole.run(RemoveTargetTablesOperator)

        line = whole.line("table", place="target")
        assert line.fate is Fate.FOREIGN
        assert role in line.why

    def test_keeps_the_audit_of_a_migration_that_goes_on_from_here(self, whole):
        with whole.admin(whole.copy) as conn:
            conn.execute("CREATE SCHEMA dms_replication")
            conn.execute("CREATE TABLE dms_replication.awsdms_ddl_audit (c_key bigint)")
            conn.execute(
                "CREATE FUNCTION dms_replication.awsdms_intercept_ddl() RETURNS event_trigger"
                " LANGUAGE plpgsql AS 'BEGIN END'"
            )
            conn.execute(read_sql("source/create_slot_owner.sql"))

        whole.run(RemoveTargetTablesOperator)

        assert whole.line("table", place="target").fate is Fate.FOREIGN
        assert whole.line("schema", place="target").why == "it holds slot_owner: this database is a source too"

    def test_loses_the_copies_of_the_sources_own_tables(self, whole):
        with whole.admin(whole.copy) as conn:
            conn.execute("CREATE SCHEMA dms_replication")
            conn.execute("CREATE TABLE dms_replication.awsdms_heartbeat (hb_key integer)")

        assert (
            "dropped table dms_replication.awsdms_heartbeat on the target"
            in (whole.run(RemoveTargetTablesOperator)["changes"])
        )

    def test_is_looked_through_in_the_control_schema_of_the_settings(self, scene):
        settings = {"ControlTablesSettings": {"ControlSchema": "dms_control"}}
        scene.source.migration["replication"] = {"task_settings": settings}
        with scene.admin(scene.copy) as conn:
            conn.execute("CREATE SCHEMA dms_control")
            conn.execute("CREATE TABLE dms_control.awsdms_status (x integer)")
            conn.execute("CREATE TABLE public.awsdms_status (x integer)")

        assert scene.run(RemoveTargetTablesOperator)["changes"] == [
            "dropped table dms_control.awsdms_status on the target"
        ]
        assert scene.sql("SELECT count(*) FROM public.awsdms_status", dbname=scene.copy) == [(0,)]


def drop(scene, database: str) -> None:
    """Drop a database. Where pglogical is preloaded, its supervisor must be ended, or this hangs for ever."""
    with scene.admin("postgres") as conn, scene.admin("postgres") as other:
        conn.execute("SET statement_timeout = '30s'")
        other.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type ~ '^pglogical'")
        conn.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(database)))
