"""What a migration remembers on the source: parameter values before it changed them, and the reboots it asked for."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from psycopg import errors

from pg_cdc.decisions.parameters.before import Before
from pg_cdc.facts.postgres import ensure_control_schema, read_rows
from pg_cdc.sql_files import read_sql

if TYPE_CHECKING:
    from psycopg import Connection


__all__ = [
    "Before",
    "Reboot",
    "finish_reboot",
    "forget_before",
    "hand_over_before",
    "read_before",
    "read_reboots",
    "record_before",
    "record_reboot",
]


@dataclass(frozen=True, kw_only=True)
class Reboot:
    """One row of pgcdc.reboot. ``ended_at`` None: asked for, and not proved yet."""

    instance: str
    reason: str
    postmaster_before: str
    requested_at: datetime
    ended_at: datetime | None = None

    @property
    def told(self) -> dict[str, Any]:
        """Return the reboot as the report has it."""
        seconds = (self.ended_at - self.requested_at).total_seconds() if self.ended_at else None
        return {"instance": self.instance, "reason": self.reason, "seconds": seconds and round(seconds, 1)}


def read_before(conn: Connection[Any], migration: str) -> dict[str, Before]:
    """Return the recorded values by parameter; empty where nothing was ever changed."""
    try:
        rows = read_rows(conn, "source/list_parameters_before.sql", {"migration": migration})
    except errors.UndefinedTable:
        return {}
    return {row["name"]: Before(**row) for row in rows}


def record_before(conn: Connection[Any], migration: str, rows: Iterable[Before]) -> None:
    """Record values; those recorded earlier stay."""
    ensure_control_schema(conn)
    conn.execute(read_sql("source/create_parameter_before.sql"))
    with conn.cursor() as cursor:
        cursor.executemany(
            read_sql("source/record_parameter_before.sql"), [{"migration": migration, **asdict(row)} for row in rows]
        )


def hand_over_before(
    conn: Connection[Any], heirs: Connection[Any], migration: str, heir: str, rows: Iterable[Before]
) -> None:
    """Give the values that ``migration`` recorded to ``heir``, in whose database ``heirs`` is, and forget them."""
    ensure_control_schema(heirs)
    heirs.execute(read_sql("source/create_parameter_before.sql"))
    with heirs.cursor() as cursor:
        cursor.executemany(
            read_sql("source/hand_over_parameters_before.sql"), [{**asdict(row), "migration": heir} for row in rows]
        )
    forget_before(conn, migration)


def forget_before(conn: Connection[Any], migration: str) -> None:
    """Forget the values that ``migration`` recorded."""
    conn.execute(read_sql("source/forget_parameters_before.sql"), {"migration": migration})


def read_reboots(conn: Connection[Any], migration: str) -> tuple[Reboot, ...]:
    """Return the reboots in order; empty where none was ever asked for."""
    try:
        rows = read_rows(conn, "source/list_reboots.sql", {"migration": migration})
    except errors.UndefinedTable:
        return ()
    return tuple(Reboot(**row) for row in rows)


def record_reboot(conn: Connection[Any], migration: str, reboot: Reboot) -> None:
    """Record a reboot that is about to be asked for."""
    ensure_control_schema(conn)
    conn.execute(read_sql("source/create_reboot.sql"))
    conn.execute(read_sql("source/record_reboot.sql"), {"migration": migration, **asdict(reboot)})


def finish_reboot(conn: Connection[Any], migration: str, reboot: Reboot, ended_at: datetime) -> None:
    """Record that a reboot was proved."""
    conn.execute(read_sql("source/finish_reboot.sql"), {"migration": migration, **asdict(reboot), "ended_at": ended_at})
