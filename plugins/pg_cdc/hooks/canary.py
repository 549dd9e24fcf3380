"""Run CREATE, ALTER and DROP TABLE as an application's role, see what the audit logs, and roll all of it back."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

import psycopg
from psycopg import errors, sql

from pg_cdc.facts.postgres import read_rows
from pg_cdc.failures import NotYet
from pg_cdc.hooks.patience import limit_waits

if TYPE_CHECKING:
    from psycopg import Connection
    from psycopg.errors import Diagnostic

    from pg_cdc.facts.bootstrap import DdlRole

TRANSIENT = (errors.LockNotAvailable, errors.QueryCanceled, errors.DeadlockDetected, errors.SerializationFailure)

STATEMENTS = (
    ("CREATE TABLE", "CREATE TABLE {} (id integer PRIMARY KEY, note text)"),
    ("ALTER TABLE", "ALTER TABLE {} DROP COLUMN note"),
    ("DROP TABLE", "DROP TABLE {}"),
)
"""DROP COLUMN rather than ADD: it is what pglogical refuses to roles without USAGE on its schema."""


@dataclass(frozen=True, kw_only=True)
class Trial:
    """How DDL as ``role`` in ``schema`` went. ``logged``: the schemas in the audit rows. ``sqlstate`` None: well."""

    role: str
    schema: str
    logged: tuple[str, ...] = ()
    rows: int = 0
    statement: str = ""
    sqlstate: str | None = None
    message: str = ""


def try_ddl(conn: Connection, role: DdlRole, schema: str, *, audit_schema: str) -> Trial:
    """Try DDL as ``role`` in ``schema``; nothing of it stays.

    The audit's rows are gone before anyone can read them, so the function tells at DEBUG level what it has written, and
    the transaction's statistics tell how many rows there were.
    """
    logged: list[str] = []

    def listen(diagnostic: Diagnostic) -> None:
        if diagnostic.table_name == "awsdms_ddl_audit":
            logged.append(diagnostic.schema_name or "")

    statement = "SET ROLE"
    conn.add_notice_handler(listen)
    try:
        with conn.transaction(force_rollback=True):
            limit_waits(conn)
            before = _rows_written(conn, audit_schema)
            _become(conn, role, schema)
            table = sql.Identifier(f"pgcdc_canary_{secrets.token_hex(8)}")
            for tag, text in STATEMENTS:
                statement = tag
                conn.execute(sql.SQL(text).format(table))
            conn.execute("RESET ROLE")
            conn.execute("SET LOCAL search_path = pg_catalog, pg_temp")
            rows = _rows_written(conn, audit_schema) - before
    except TRANSIENT as err:
        raise NotYet(f"{statement} as {role.role} ({err.sqlstate}): {err.diag.message_primary}") from err
    except psycopg.OperationalError:
        raise
    except psycopg.Error as err:
        message = err.diag.message_primary or type(err).__name__
        return Trial(role=role.role, schema=schema, statement=statement, sqlstate=err.sqlstate, message=message)
    finally:
        conn.remove_notice_handler(listen)
    return Trial(role=role.role, schema=schema, logged=tuple(logged), rows=rows)


def _become(conn: Connection, role: DdlRole, schema: str) -> None:
    """Take the role and the search_path of an application in ``schema``, with a membership that is rolled back too."""
    name = sql.Identifier(role.role)
    if not role.may_become:
        conn.execute(sql.SQL("GRANT {} TO {}").format(name, sql.Identifier(conn.info.user)))
    # A schema of the role's own name is mostly reached by the default path, which says "$user" instead.
    path = '"$user", public' if schema == role.role else sql.Identifier(schema).as_string(conn)
    conn.execute(
        "SELECT pg_catalog.set_config('client_min_messages', 'debug1', true),"
        " pg_catalog.set_config('search_path', %s, true)",
        (path,),
    )
    conn.execute(sql.SQL("SET LOCAL ROLE {}").format(name))


def _rows_written(conn: Connection, audit_schema: str) -> int:
    # Counts earlier transactions of this session too, until their statistics are sent: hence the difference.
    (row,) = read_rows(conn, "source/count_audit_rows.sql", {"schema": audit_schema})
    return int(row["rows"])
