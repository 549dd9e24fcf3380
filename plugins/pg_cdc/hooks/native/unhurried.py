"""Let a session of the load take its time, and not wait for the disk at each commit but once, at the end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pg_cdc.sql_files import read_sql

if TYPE_CHECKING:
    from psycopg import Connection


def hurry_not(conn: Connection[Any]) -> None:
    """End no statement early, and let the server write what is committed while the next thing is done.

    A server that crashes before ``flush`` forgets the note that a table is loaded together with its rows.
    """
    conn.execute("SELECT set_config('statement_timeout', '0', false), set_config('synchronous_commit', 'off', false)")


def flush(conn: Connection[Any]) -> None:
    """Return once all that was committed on this server is on its disk."""
    conn.execute("RESET synchronous_commit")
    conn.execute(read_sql("native/flush_wal.sql"))
