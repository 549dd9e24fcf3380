"""The tables DMS keeps for itself on the target: apply exceptions, and how far the task has come."""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg import sql

EXCEPTIONS = sql.SQL("""
create table if not exists {} (
  "TASK_NAME" varchar(128) not null, "TABLE_OWNER" varchar(128) not null, "TABLE_NAME" varchar(128) not null,
  "ERROR_TIME" timestamp not null, "STATEMENT" text not null, "ERROR" text not null)
""")
STATE = sql.SQL("""
create table if not exists {} (task_name varchar(128) primary key, checkpoint text not null, update_time timestamp)
""")


class ControlTables:
    """Both tables in one schema. ``task``: the random part of the task's ARN."""

    def __init__(self, schema: str, task: str) -> None:
        self._schema = schema or "public"
        self._task = task
        self._exceptions = sql.Identifier(self._schema, "awsdms_apply_exceptions")
        self._state = sql.Identifier(self._schema, "awsdms_txn_state")
        self._save = sql.SQL(
            "insert into {} as s values (%s, %s, now()) on conflict (task_name) "
            "do update set checkpoint = excluded.checkpoint, update_time = excluded.update_time"
        ).format(self._state)

    def create(self, connection: psycopg.Connection[Any]) -> None:
        """Make what is missing."""
        names = [self._schema, "awsdms_apply_exceptions"], [self._schema, "awsdms_txn_state"]
        for (schema, table), text, name in zip(
            names, (EXCEPTIONS, STATE), (self._exceptions, self._state), strict=True
        ):
            query = "select 1 from pg_catalog.pg_tables where schemaname = %s and tablename = %s"
            if not connection.execute(query, (schema, table)).fetchone():
                connection.execute(sql.SQL("create schema if not exists {}").format(sql.Identifier(schema)))
                connection.execute(text.format(name))

    def position(self, connection: psycopg.Connection[Any]) -> str | None:
        """Return the LSN just after the last source transaction that is on the target."""
        query = sql.SQL("select checkpoint from {} where task_name = %s").format(self._state)
        row = connection.execute(query, (self._task,)).fetchone()
        return row[0] if row else None

    def save_position(self, connection: psycopg.Connection[Any], position: str) -> None:
        """Record the position in the transaction that applies the changes, so that none is lost or doubled."""
        connection.execute(self._save, (self._task, position))

    def forget(self, connection: psycopg.Connection[Any]) -> None:
        """Forget the position: the task starts anew."""
        connection.execute(sql.SQL("delete from {} where task_name = %s").format(self._state), (self._task,))

    def log(self, connection: psycopg.Connection[Any], table: tuple[str, str], statement: str, error: str) -> None:
        """Record a change that could not be applied."""
        connection.execute(
            sql.SQL("insert into {} values (%s, %s, %s, now(), %s, %s)").format(self._exceptions),
            (self._task, *table, statement, error),
        )
