"""Read a PostgreSQL server into the dataclasses that decisions work on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from psycopg.rows import dict_row

from pg_cdc.decisions import names
from pg_cdc.decisions.world import OpenTransaction, Server, Slot, Table
from pg_cdc.sql_files import read_sql

if TYPE_CHECKING:
    from psycopg import Connection


def read_rows(conn: Connection, name: str, parameters: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
    """Return the rows of an SQL file, such as ``source/list_slots.sql``."""
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(read_sql(name), parameters).fetchall()


def read_server(conn: Connection) -> Server:
    """Return what the server says about itself."""
    (row,) = read_rows(conn, "source/read_server.sql")
    settings = read_rows(conn, "source/list_settings.sql")
    facts: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in row.items()}
    return Server(
        **facts,
        settings={row["name"]: row["value"] or "" for row in settings},
        raw_settings={row["name"]: row["raw"] or "" for row in settings},
        slots=read_slots(conn),
        open_transactions=tuple(OpenTransaction(**row) for row in read_rows(conn, "source/list_open_transactions.sql")),
    )


def read_slots(conn: Connection) -> tuple[Slot, ...]:
    """Return every replication slot of the server."""
    return tuple(Slot(**row) for row in read_rows(conn, "source/list_slots.sql"))


def read_tables(conn: Connection) -> tuple[Table, ...]:
    """Return the tables and views of the database. Sizes are those of the last VACUUM or ANALYZE."""
    return tuple(Table(**row) for row in read_rows(conn, "source/list_tables.sql"))


def list_schemas(conn: Connection) -> tuple[str, ...]:
    """Return the schemas of the database, without PostgreSQL's own."""
    query = "SELECT nspname FROM pg_catalog.pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'"
    return tuple(row[0] for row in conn.execute(query))


def schema_exists(conn: Connection, name: str) -> bool:
    """Tell whether the database has a schema of this name."""
    found = conn.execute("select from pg_catalog.pg_namespace where nspname = %s", (name,)).fetchone()
    return found is not None


def ensure_control_schema(conn: Connection) -> bool:
    """Make the control schema in the database of ``conn``; tell whether it was missing."""
    if schema_exists(conn, names.CONTROL_SCHEMA):
        return False
    conn.execute(read_sql("source/create_control_schema.sql"))
    return True
