"""Write the objects of the DDL audit and of pglogical. Each function says what it changed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from psycopg import sql

from pg_cdc.decisions.ddl_audit import AuditPlan, function_body
from pg_cdc.failures import SpecInvalid
from pg_cdc.hooks.dms_role import execute_file, mark_of
from pg_cdc.sql_files import read_sql

if TYPE_CHECKING:
    from psycopg import Connection

QUOTE = "$awsdms_intercept_ddl$"


def wanted_body(conn: Connection, schema: str) -> str:
    """Return the text of our function for ``schema``, as PostgreSQL keeps it."""
    if QUOTE in schema:
        raise SpecInvalid(
            found=f"artifacts schema {schema}", expected=f"a name without {QUOTE}", next="choose another name"
        )
    statement = sql.SQL(read_sql("source/create_ddl_audit_function.sql")).format(schema=sql.Identifier(schema))
    return function_body(statement.as_string(conn))


def install_audit(conn: Connection, plan: AuditPlan, *, role: str, schema: str) -> tuple[str, ...]:
    """Carry ``plan`` out: table and function as the DMS role, the event trigger as the admin, and last."""
    changes = []
    with acting_as(conn, role):
        if plan.create_table:
            execute_file(conn, "source/create_ddl_audit_table.sql", schema=schema)
            changes.append(f"created table {schema}.awsdms_ddl_audit, owned by {role}")
        if plan.close_table:
            execute_file(conn, "source/close_ddl_audit.sql", schema=schema)
            changes.append(f"revoked from PUBLIC what it could do to {schema}.awsdms_ddl_audit")
        if plan.function:
            execute_file(conn, "source/create_ddl_audit_function.sql", schema=schema)
            changes.append(f"wrote function {schema}.awsdms_intercept_ddl() (found: {plan.function})")
    if plan.create_trigger:
        execute_file(conn, "source/create_ddl_audit_trigger.sql", schema=schema)
        changes.append("created event trigger awsdms_intercept_ddl")
    return tuple(changes)


def install_pglogical(conn: Connection, migration: str) -> tuple[str, ...]:
    """Make the extension, with rights by which every role's DDL goes on working, and a mark that says whose it is."""
    execute_file(conn, "source/install_pglogical.sql", mark=mark_of(migration))
    return ("created extension pglogical; PUBLIC may use its schema and call none of its functions",)


def grant_pglogical(conn: Connection, role: str) -> tuple[str, ...]:
    """Let the DMS role use it."""
    execute_file(conn, "source/grant_pglogical.sql", role=role)
    return (f"granted the use of pglogical to {role}",)


@contextmanager
def acting_as(conn: Connection, role: str) -> Iterator[None]:
    """Run a block of a transaction as another role, so that what it makes belongs to that role."""
    conn.execute(sql.SQL("SET LOCAL ROLE {}").format(sql.Identifier(role)))
    yield
    conn.execute("RESET ROLE")
