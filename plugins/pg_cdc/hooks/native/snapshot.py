"""Make a slot, and hold the snapshot that was exported with it for as long as the connection lives."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from psycopg import errors, sql

from pg_cdc.failures import NotYet
from pg_cdc.hooks.native.books import PLUGIN
from pg_cdc.sql_files import read_sql

if TYPE_CHECKING:
    from psycopg import Connection

    from pg_cdc.hooks.postgres import Credentials


@dataclass(frozen=True, kw_only=True)
class Held:
    """A snapshot, the point of the WAL that it shows, and the session that holds it."""

    consistent_point: str
    snapshot_name: str
    pid: int


@contextmanager
def holding(credentials: Credentials, slot: str, *, application: str) -> Iterator[Held]:
    """Make ``slot`` and hold its snapshot until the end of the block. The slot stays.

    No command may follow on that connection: the next one would end the snapshot.
    """
    options = {
        **credentials.options,
        "replication": "database",
        "application_name": application,
        "options": "-c idle_in_transaction_session_timeout=0 -c statement_timeout=0",
    }
    with replace(credentials, options=options).connect() as conn:
        command = sql.SQL("CREATE_REPLICATION_SLOT {} LOGICAL {} EXPORT_SNAPSHOT")
        row = conn.execute(command.format(sql.Identifier(slot), sql.SQL(PLUGIN))).fetchone()
        if row is None:
            raise NotYet(f"slot {slot} was made without a snapshot")
        yield Held(consistent_point=row[1], snapshot_name=row[2], pid=conn.info.backend_pid)


def drop_slot(conn: Connection[Any], slot: str) -> tuple[str, ...]:
    """Drop a slot that nobody reads, if it is there. :raises NotYet: somebody reads it."""
    try:
        dropped = conn.execute(read_sql("native/drop_slot.sql"), {"slot_name": slot}).rowcount
    except errors.ObjectInUse as err:
        raise NotYet(f"slot {slot} is in use: {err.diag.message_primary}") from err
    except errors.UndefinedObject:
        dropped = 0
    return (f"dropped slot {slot}",) if dropped else ()
