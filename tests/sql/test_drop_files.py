"""Every drop_*.sql leaves the database as it was before its create_*.sql or install_*.sql."""

from __future__ import annotations

import pytest
from psycopg import sql

from pg_cdc.hooks.dms_role import execute_file
from pg_cdc.sql_files import read_sql
from tests.sql.test_sql_headers import MAKERS, header

SCHEMA = "dms_replication"

BEFORE = {
    "create_marker": ["create_control_schema"],
    "create_slot_owner": ["create_control_schema"],
    "create_parameter_before": ["create_control_schema"],
    "create_reboot": ["create_control_schema"],
    "hygiene/create_slot_watch": ["create_control_schema"],
    "hygiene/create_slot_observation": ["create_control_schema"],
    "create_lease_table": ["create_control_schema"],
    "create_artifacts_schema": ["create_dms_role"],
    "create_ddl_audit_table": ["create_dms_role", "create_artifacts_schema"],
    "create_ddl_audit_function": ["create_dms_role", "create_artifacts_schema", "create_ddl_audit_table"],
    "create_ddl_audit_trigger": [
        "create_dms_role", "create_artifacts_schema", "create_ddl_audit_table", "create_ddl_audit_function",
    ],
}  # fmt: skip
"""What a file needs to be there; the drop of the audit takes all of the audit with it."""

AUDIT = {"create_ddl_audit_table", "create_ddl_audit_function", "create_ddl_audit_trigger"}

PGLOGICAL_ROWS = {"native/create_pglogical_node", "native/create_pglogical_subscription", "create_pglogical_set"}
"""They make rows of pglogical's, no objects: below, and in shell/native, since a subscription takes a second server."""

SLOTS = {"create_replica_slot"}
"""A slot is no object of a database: in matrix, since it takes a read replica of PostgreSQL 17."""

OBJECTS = """
SELECT 'schema', nspname::text FROM pg_namespace WHERE nspname !~ '^pg_(toast|temp)'
UNION ALL SELECT 'relation', oid::regclass::text FROM pg_class WHERE relnamespace::regnamespace::text !~ '^pg_toast'
UNION ALL SELECT 'function', oid::regprocedure::text FROM pg_proc
UNION ALL SELECT 'event trigger', evtname FROM pg_event_trigger
UNION ALL SELECT 'extension', extname FROM pg_extension
UNION ALL SELECT 'role', rolname FROM pg_roles
"""


def file_of(name: str) -> str:
    return f"{name}.sql" if "/" in name else f"source/{name}.sql"


def run(conn, name: str, role: str) -> None:
    execute_file(
        conn,
        file_of(name),
        role=role,
        schema=SCHEMA,
        verifier=sql.Literal("a-Passw0rd"),
        mark=sql.Literal("pg-cdc:migration=shop"),
    )


def objects(conn) -> set[tuple[str, str]]:
    return set(conn.execute(OBJECTS).fetchall())


@pytest.mark.parametrize(
    "maker", sorted({name.removeprefix("source/").removesuffix(".sql") for name in MAKERS} - PGLOGICAL_ROWS - SLOTS)
)
def test_what_is_made_is_gone_after_its_drop(source, maker):
    area = maker.rpartition("/")[0]
    undo = f"{area}/".lstrip("/") + header(file_of(maker))["Undo"].split(".sql")[0]
    with source.admin() as conn, conn.transaction(force_rollback=True):
        for needed in BEFORE.get(maker, ()):
            run(conn, needed, source.dms)
        before = {one for one in objects(conn) if not (maker in AUDIT and "awsdms" in one[1])}

        run(conn, maker, source.dms)
        made = objects(conn) - before
        run(conn, undo, source.dms)

        assert made
        assert objects(conn) == before


def test_a_node_and_a_set_of_pglogical_are_gone_after_their_drops(source):
    rows = "SELECT node_name::text FROM pglogical.node UNION ALL SELECT set_name::text FROM pglogical.replication_set"
    address = b"dbname=shop".hex()
    with source.admin() as conn, conn.transaction(force_rollback=True):
        conn.execute("CREATE EXTENSION pglogical")
        conn.execute(
            "SELECT set_config('pgcdc.node', 'ours', true), set_config('pgcdc.connection', %s, true)", (address,)
        )

        conn.execute(read_sql("native/create_pglogical_node.sql"))
        conn.execute(read_sql("source/create_pglogical_set.sql"), {"name": "our_set"})
        made = {row[0] for row in conn.execute(rows)}
        conn.execute(read_sql("source/drop_pglogical_set.sql"), {"name": "our_set"})
        conn.execute(read_sql("native/drop_pglogical_node.sql"), {"name": "ours"})

        assert {"ours", "our_set"} <= made
        assert conn.execute(rows).fetchall() == []


@pytest.mark.parametrize(
    "name",
    ["drop_control_schema", "drop_ddl_audit", "drop_artifacts_schema", "drop_pglogical"],
)
def test_a_drop_of_what_is_not_there_is_no_error(source, name):
    with source.admin() as conn, conn.transaction(force_rollback=True):
        conn.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(SCHEMA)))
        run(conn, name, source.dms)


def test_the_drop_of_the_role_takes_its_grants_along(source):
    from pg_cdc.operators.source.bootstrap import (
        EnsureDmsRoleOperator,
        InstallDdlAuditOperator,
        InstallPglogicalOperator,
    )

    with source.admin() as conn:
        before = objects(conn)
    for operator in (EnsureDmsRoleOperator, InstallDdlAuditOperator, InstallPglogicalOperator):
        source.run(operator)

    with source.admin() as conn:
        for name in ("drop_ddl_audit", "drop_artifacts_schema", "drop_pglogical", "drop_dms_role"):
            run(conn, name, source.dms)

        assert objects(conn) == before
