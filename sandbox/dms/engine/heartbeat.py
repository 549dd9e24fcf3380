"""The heartbeat: one row on the source, updated so that the slot of an idle table moves on."""

from __future__ import annotations

import time
from typing import Any

import psycopg
from psycopg import sql

from sandbox.dms.engine.job import Job
from sandbox.dms.engine.servers import Address

TABLE = sql.SQL("""
create table if not exists {} (
  hb_key serial primary key, hb_created_at timestamp default now(), hb_created_by varchar(64) default current_user,
  hb_last_heartbeat_at timestamp default now(), hb_last_heartbeat_by varchar(64) default current_user)
""")
BEAT = sql.SQL("update {} set hb_last_heartbeat_at = now(), hb_last_heartbeat_by = current_user")


class Heartbeat:
    """Beats every ``seconds`` as long as it is asked to."""

    @classmethod
    def of(cls, job: Job) -> Heartbeat | None:
        """Return the heartbeat the source endpoint asks for, if it does."""
        settings = job.source_settings
        if not settings.get("HeartbeatEnable"):
            return None
        seconds = max(0.2, 60 * (settings.get("HeartbeatFrequency") or 5) * job.pace)
        return cls(job.source, settings.get("HeartbeatSchema") or "public", seconds)

    def __init__(self, source: Address, schema: str, seconds: float) -> None:
        self._connection: psycopg.Connection[Any] = source.psycopg()
        self._table = sql.Identifier(schema, "awsdms_heartbeat")
        self._seconds = seconds
        self._next = 0.0
        there = self._connection.execute(
            "select 1 from pg_catalog.pg_tables where schemaname = %s and tablename = 'awsdms_heartbeat'", (schema,)
        ).fetchone()
        if not there:
            self._connection.execute(TABLE.format(self._table))
        if not self._connection.execute(sql.SQL("select 1 from {}").format(self._table)).fetchone():
            self._connection.execute(sql.SQL("insert into {} default values").format(self._table))

    def beat(self) -> None:
        """Beat if it is time."""
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + self._seconds
            self._connection.execute(BEAT.format(self._table))

    def close(self) -> None:
        """Stop beating."""
        self._connection.close()
