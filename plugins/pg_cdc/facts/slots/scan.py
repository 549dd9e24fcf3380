"""Read the replication slots of one server, or of many at once. Changes nothing.

Source: https://www.postgresql.org/docs/current/view-pg-replication-slots.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from psycopg.rows import dict_row

from pg_cdc.decisions.slots.world import SlotRow
from pg_cdc.failures import NotYet
from pg_cdc.hooks.deadline import SECONDS, Deadline
from pg_cdc.sql_files import read_sql

if TYPE_CHECKING:
    import psycopg

    from pg_cdc.hooks.postgres import Credentials

AT_ONCE = 32
"""Most of a look at a server far away is waiting."""

PLAIN = (
    "slot_type",
    "plugin",
    "database",
    "temporary",
    "active",
    "active_pid",
    "catalog_xmin_age",
    "wal_status",
    "safe_wal_size",
    "conflicting",
    "invalidation_reason",
    "failover",
    "synced",
)
"""Columns taken as they are; those that a server lacks (``versions.SLOT_COLUMNS``) are None."""

UNITS = {"kB": 1024, "MB": 1024**2, "GB": 1024**3, "TB": 1024**4}


@dataclass(frozen=True, kw_only=True)
class SlotScan:
    """The slots of one server at one moment. ``keep_bytes``: max_slot_wal_keep_size; None: no limit."""

    at: float
    version_num: int
    in_recovery: bool
    wal_lsn: int
    keep_bytes: int | None
    slots: tuple[SlotRow, ...]


def scan_servers(
    servers: Mapping[str, Credentials], *, seconds: float = SECONDS, at_once: int = AT_ONCE
) -> dict[str, SlotScan | NotYet]:
    """Return the slots of each server, or why there is no answer; a dead server costs the others nothing."""

    def scan(credentials: Credentials) -> SlotScan | NotYet:
        try:
            return scan_server(credentials, seconds=seconds)
        except NotYet as err:
            return err

    with ThreadPoolExecutor(at_once) as pool:
        return dict(zip(servers, pool.map(scan, servers.values()), strict=True))


def scan_server(credentials: Credentials, *, seconds: float = SECONDS) -> SlotScan:
    """Return the slots of one server. :raises NotYet: it gives no answer within ``seconds``."""
    deadline = Deadline(seconds)

    def work() -> SlotScan:
        with deadline.connect(credentials) as conn:
            return read_scan(conn)

    return deadline.run(f"{credentials.host}:{credentials.port}", work)


def read_scan(conn: psycopg.Connection[Any]) -> SlotScan:
    """Return the slots of the server that ``conn`` is connected to."""
    with conn.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(read_sql("hygiene/read_slots.sql")).fetchall()
    first, slots = rows[0], [row for row in rows if row["slot_name"] is not None]
    wal_lsn = position(first["wal_lsn"]) or 0
    return SlotScan(
        at=first["at"],
        version_num=first["version_num"],
        in_recovery=first["in_recovery"],
        wal_lsn=wal_lsn,
        keep_bytes=_bytes(first["keep"]),
        slots=tuple(_slot(row, wal_lsn) for row in sorted(slots, key=lambda row: str(row["slot_name"]))),
    )


def position(lsn: str | None) -> int | None:
    """Return a WAL position, as PostgreSQL writes it, in bytes."""
    if lsn is None:
        return None
    high, _, low = lsn.partition("/")
    return (int(high, 16) << 32) + int(low, 16)


def _slot(row: Mapping[str, Any], wal_lsn: int) -> SlotRow:
    restart, since = position(row["restart_lsn"]), row.get("inactive_since")
    return SlotRow(
        name=row["slot_name"],
        restart_lsn=restart,
        confirmed_flush_lsn=position(row["confirmed_flush_lsn"]),
        retained_bytes=None if restart is None else wal_lsn - restart,
        inactive_since=since.timestamp() if since else None,
        **{name: row[name] for name in PLAIN if name in row},
    )


def _bytes(setting: str) -> int | None:
    """Return a size as SHOW prints it, in bytes; -1 is no limit."""
    number, unit = re.fullmatch(r"(-?\d+)\s*(\w*)", setting).groups()  # type: ignore[union-attr]
    return None if int(number) < 0 else int(number) * UNITS.get(unit, UNITS["MB"])
