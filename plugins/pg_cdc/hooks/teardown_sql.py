"""Remove what a migration made in PostgreSQL, one thing at a time. Each says what it did; none uses CASCADE."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from psycopg import errors, sql

from pg_cdc.failures import Differs, NotYet
from pg_cdc.hooks.dms_role import execute_file
from pg_cdc.hooks.patience import changing
from pg_cdc.sql_files import read_sql

if TYPE_CHECKING:
    from psycopg import Connection

    from pg_cdc.config import Migration
    from pg_cdc.decisions.teardown.sql import Item
    from pg_cdc.decisions.world import Slot

Remover = Callable[["Connection", "Migration", "Item"], str]


@contextmanager
def removing(conn: Connection) -> Iterator[None]:
    """Run a block in one transaction, with short waits.

    :raises Differs: something that somebody else made depends on what was to go.
    """
    try:
        with changing(conn):
            yield
    except errors.DependentObjectsStillExist as err:
        raise Differs(
            found=f"{err.diag.message_primary}: {err.diag.message_detail or ''}".strip(),
            expected="nothing of somebody else's that needs it",
            next="move or drop what depends on it, or keep this part; then clear this task",
        ) from err


def remove(conn: Connection, migration: Migration, item: Item) -> str:
    """Remove one thing and return what was done."""
    return REMOVERS[item.action](conn, migration, item)


def drop_slot(conn: Connection, migration: Migration, slot: Slot) -> str:
    """Drop a slot of ours that is still what was looked at.

    :raises NotYet: it is read again, or is another one by now.
    """
    name = slot.name
    values = {
        "name": name,
        "plugin": slot.plugin,
        "confirmed_flush_lsn": slot.confirmed_flush_lsn,
        "migration": migration.name,
    }
    try:
        dropped = conn.execute(read_sql("source/drop_slot.sql"), values).fetchone()
    except errors.UndefinedObject:
        return ""
    except errors.ObjectInUse as err:
        raise NotYet(f"slot {name} is read again: {err.diag.message_primary}") from err
    if dropped is None:
        raise NotYet(f"slot {name} has moved, is read again or was made anew since it was looked at: not dropped")
    return f"dropped replication slot {name}"


def _forget(conn: Connection, migration: Migration, table: str) -> None:
    query = sql.SQL(read_sql("source/forget_migration.sql")).format(table=sql.Identifier(table))
    conn.execute(query, {"migration": migration.name})


def _file(name: str, text: str) -> Remover:
    """Return what runs a file with the names of the migration's role and schema."""

    def run(conn: Connection, migration: Migration, item: Item) -> str:
        role = migration.dms_role
        execute_file(conn, name, role=role.name, schema=role.artifacts_schema)
        return text.format(role=role.name, schema=role.artifacts_schema, argument=item.argument)

    return run


def _rows(conn: Connection, migration: Migration, item: Item) -> str:
    _forget(conn, migration, item.argument)
    return f"deleted the rows of {migration.name} in pgcdc.{item.argument}"


def _rights(conn: Connection, migration: Migration, item: Item) -> str:
    role = migration.dms_role.name
    execute_file(conn, "source/revoke_dms_role.sql", schema=item.argument, role=role)
    return f"revoked from {role} what it could do in schema {item.argument}"


def _pglogical_set(conn: Connection, migration: Migration, item: Item) -> str:
    conn.execute(read_sql("source/drop_pglogical_set.sql"), {"name": item.argument})
    return f"dropped replication set {item.argument}"


def _marker_rows(conn: Connection, migration: Migration, item: Item) -> str:
    _forget(conn, migration, "marker")
    return f"deleted the marker of {migration.name} on the target"


def _target_table(conn: Connection, migration: Migration, item: Item) -> str:
    schema, table = item.argument.split("\n")
    execute_file(conn, "target/drop_control_table.sql", schema=schema, table=table)
    return f"dropped table {schema}.{table} on the target"


REMOVERS: Mapping[str, Remover] = {
    "audit_trigger": _file("source/drop_ddl_audit_trigger.sql", "dropped event trigger awsdms_intercept_ddl"),
    "audit_function": _file("source/drop_ddl_audit_function.sql", "dropped function {schema}.awsdms_intercept_ddl()"),
    "audit_table": _file("source/drop_ddl_audit_table.sql", "dropped table {schema}.awsdms_ddl_audit"),
    "heartbeat": _file("source/drop_heartbeat.sql", "dropped table {schema}.awsdms_heartbeat"),
    "artifacts_schema": _file("source/drop_artifacts_schema.sql", "dropped schema {schema}"),
    "pglogical": _file("source/drop_pglogical.sql", "dropped extension pglogical, with its nodes and replication sets"),
    "pglogical_set": _pglogical_set,
    "role": _file("source/drop_dms_role.sql", "dropped role {role} with its grants"),
    "rights": _rights,
    "rows": _rows,
    "control_schema": _file("source/drop_control_schema.sql", "dropped schema pgcdc of database {argument}"),
    "marker_rows": _marker_rows,
    "marker_schema": _file("target/drop_marker_schema.sql", "dropped schema pgcdc on the target"),
    "table": _target_table,
}
