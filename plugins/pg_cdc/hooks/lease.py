"""Take and give back the lease, in the database ``postgres`` of the source: runs for its other databases see it too."""

from __future__ import annotations

from typing import TYPE_CHECKING

from psycopg.rows import dict_row

from pg_cdc.decisions.lease import Lease
from pg_cdc.facts.postgres import ensure_control_schema, read_rows
from pg_cdc.hooks.patience import changing
from pg_cdc.sql_files import read_sql

if TYPE_CHECKING:
    from psycopg import Connection

DATABASE = "postgres"


class LeaseBook:
    """The lease of the server that ``conn`` is connected to. ``name``: what people call the server."""

    def __init__(self, conn: Connection, name: str) -> None:
        self.conn = conn
        (row,) = read_rows(conn, "source/identify_server.sql")
        self.cluster = row["system_identifier"] or name
        self.has_table = row["has_lease_table"]

    def read(self) -> Lease | None:
        """Return the lease, None: nobody has it."""
        if not self.has_table:
            return None
        rows = read_rows(self.conn, "source/read_lease.sql", {"cluster": self.cluster})
        return Lease(**rows[0]) if rows else None

    def ensure_table(self) -> tuple[str, ...]:
        """Make the table where it is missing, and say so."""
        if self.has_table:
            return ()
        with changing(self.conn):
            ensure_control_schema(self.conn)
            self.conn.execute(read_sql("source/create_lease_table.sql"))
        self.has_table = True
        return (f"created table pgcdc.lease in database {DATABASE}",)

    def take(self, owner: str, minutes: int) -> bool:
        """Take the lease if it is free, expired or ``owner``'s; tell whether it is ``owner``'s now."""
        parameters = {"cluster": self.cluster, "owner": owner, "minutes": minutes}
        with changing(self.conn), self.conn.cursor(row_factory=dict_row) as cursor:
            return cursor.execute(read_sql("source/take_lease.sql"), parameters).fetchone() is not None

    def release(self, owner: str) -> bool:
        """Give the lease back if it is ``owner``'s; tell whether it was."""
        parameters = {"cluster": self.cluster, "owner": owner}
        with changing(self.conn):
            return self.conn.execute(read_sql("source/release_lease.sql"), parameters).fetchone() is not None
