"""The roles of RDS, and the keeper that makes membership of rds_replication mean what it means there."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress

import psycopg
from psycopg import sql

log = logging.getLogger(__name__)

TEMPLATE_SQL = (
    "create role rds_password nologin",
    "create role rds_replication nologin",
    "create role rds_iam nologin",
    "create role rds_superuser nologin createrole createdb",
    "grant pg_monitor, pg_signal_backend, pg_read_all_stats to rds_superuser with admin option",
    "grant rds_replication, rds_password to rds_superuser with admin option",
)

MISMATCHED = """
select rolname, not rolreplication from pg_roles
where rolcanlogin and not rolsuper and rolreplication <> pg_has_role(oid, 'rds_replication', 'member')
"""

RELEASE_DROP_DATABASE = """
select pg_terminate_backend(s.pid) from pg_stat_activity s
where s.backend_type = 'pglogical supervisor'
  and exists (select from pg_stat_activity w where w.wait_event = 'ProcSignalBarrier')
"""
"""pglogical 2.4.2's supervisor never takes part in a barrier: without this, DROP DATABASE waits for ever."""

Connect = Callable[[], psycopg.Connection]


class RoleKeeper:
    """Repeats two corrections on every primary: the REPLICATION attribute, and a stuck DROP DATABASE.

    Community PostgreSQL asks for the attribute where RDS asks for membership of rds_replication.
    """

    def __init__(self, primaries: Callable[[], Iterable[tuple[str, Connect]]], *, every_seconds: float = 0.2) -> None:
        self._primaries = primaries
        self._every = every_seconds
        self._open: dict[str, psycopg.Connection] = {}
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sandbox-roles", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End, and close every connection."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join(timeout=10)
        for name in list(self._open):
            self._forget(name)

    def _run(self) -> None:
        while not self._stopped.wait(self._every):
            servers = dict(self._primaries())
            for name in set(self._open) - set(servers):
                self._forget(name)
            for name, connect in servers.items():
                try:
                    if name not in self._open:
                        self._open[name] = connect()
                    keep_roles(self._open[name])
                except (psycopg.Error, OSError) as err:
                    log.debug("roles of %s not kept: %s", name, err)
                    self._forget(name)

    def _forget(self, name: str) -> None:
        if connection := self._open.pop(name, None):
            with suppress(psycopg.Error):
                connection.close()


def keep_roles(connection: psycopg.Connection) -> None:
    """Correct once."""
    for role, replication in connection.execute(MISMATCHED).fetchall():
        word = sql.SQL("replication" if replication else "noreplication")
        connection.execute(sql.SQL("alter role {} {}").format(sql.Identifier(role), word))
    connection.execute(RELEASE_DROP_DATABASE)
