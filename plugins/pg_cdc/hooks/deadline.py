"""Work with a server that ends by a moment, whatever the server does: refuse, keep silent, or answer too slowly.

libpq's own limit is one for each address of a host, leaves out the look-up of the name, and holds only until the login.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from contextlib import suppress
from contextvars import copy_context
from math import ceil
from queue import Empty, SimpleQueue
from threading import Lock, Thread
from typing import TYPE_CHECKING, Any, TypeVar

import psycopg

from pg_cdc.failures import NotYet
from pg_cdc.hooks.postgres import DEFAULTS

if TYPE_CHECKING:
    from pg_cdc.hooks.postgres import Credentials

Result = TypeVar("Result")

LIMITS = "-c search_path=pg_catalog,pg_temp -c statement_timeout={0} -c lock_timeout={0}"

SECONDS = 5.0
"""What one dead or slow server may cost."""


class Deadline:
    """``seconds`` from now on, for all that is run under it."""

    def __init__(self, seconds: float = SECONDS) -> None:
        self.seconds = seconds
        self.ends = time.monotonic() + seconds
        self._open: list[psycopg.Connection[Any]] = []
        self._cut = False
        self._lock = Lock()

    @property
    def left(self) -> float:
        """Return the seconds that are left."""
        return max(self.ends - time.monotonic(), 0.0)

    def run(self, where: str, work: Callable[[], Result]) -> Result:
        """Return what ``work`` returns; its connections come from ``connect``.

        :raises NotYet: PostgreSQL refused something, or it took too long: its connections are cut then, and it ends.
        """
        answer: SimpleQueue[tuple[Any, BaseException | None]] = SimpleQueue()

        def attempt() -> None:
            try:
                answer.put((work(), None))
            except BaseException as err:  # handed to whoever waits
                answer.put((None, err))

        Thread(target=copy_context().run, args=(attempt,), daemon=True, name=f"pg_cdc {where}").start()
        try:
            result, error = answer.get(timeout=self.left)
        except Empty:
            self.cut()
            raise NotYet(f"{where}: no answer within {self.seconds:g} s") from None
        if isinstance(error, psycopg.Error):
            raise NotYet(f"{where}: {error.sqlstate or 'connection lost'}: {error}") from error
        if error is not None:
            raise error
        found: Result = result
        return found

    def connect(self, credentials: Credentials) -> psycopg.Connection[Any]:
        """Connect, with autocommit, and with limits for statements that the server keeps itself.

        :raises NotYet: there is no connection, for whatever reason.
        """
        where = f"{credentials.host}:{credentials.port}/{credentials.dbname}"
        limit = max(int(self.left * 1000), 1)
        options = {
            **DEFAULTS,
            **credentials.options,
            "connect_timeout": ceil(self.left) + 1,
            "options": f"{credentials.options.get('options', '')} {LIMITS.format(limit)}".strip(),
        }
        try:
            connection = psycopg.connect(
                **options,
                user=credentials.user,
                password=credentials.password,
                host=credentials.host,
                port=credentials.port,
                dbname=credentials.dbname,
                autocommit=True,
            )
        except psycopg.Error as err:
            raise NotYet(f"{where}: no connection: {err}") from err
        self._keep(connection)
        return connection

    def cut(self) -> None:
        """End every connection from below: whoever waits for an answer on it is told that there is none."""
        with self._lock:
            self._cut = True
            for connection in self._open:
                _shut(connection)

    def _keep(self, connection: psycopg.Connection[Any]) -> None:
        with self._lock:
            self._open.append(connection)
            if self._cut:
                _shut(connection)


def _shut(connection: psycopg.Connection[Any]) -> None:
    with suppress(OSError, psycopg.Error), socket.socket(fileno=socket.dup(connection.fileno())) as wire:
        wire.shutdown(socket.SHUT_RDWR)
