"""The books of slot hygiene, in the database ``postgres`` of the source; and the ledger, in the slot's own database.

A read replica takes no writes: the books on its slots are with those of its primary, and come to it with the WAL.

All times are those of the facts that are written down, never of the moment of writing.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from dataclasses import asdict
from itertools import groupby
from typing import TYPE_CHECKING, Any

from pg_cdc.decisions.slots.world import Observation, Owner, SlotRow, SourceFacts, Watch
from pg_cdc.facts.postgres import ensure_control_schema, read_rows
from pg_cdc.hooks.control_tables import ensure_ledger
from pg_cdc.hooks.patience import changing
from pg_cdc.sql_files import read_sql

if TYPE_CHECKING:
    import psycopg

DATABASE = "postgres"
TABLES = ("slot_watch", "slot_observation")
LOCK_KEY = 0x70675F736C6F74
"""The bytes of ``pg_slot``: one run of slot hygiene at a time acts on a server."""

DAY_SECONDS = 86400


class SlotBook:
    """The books on the server that ``conn`` is connected to, in its database ``postgres``.

    ``replica``: the read replica whose slots they are on; empty: the server itself.
    """

    def __init__(self, conn: psycopg.Connection[Any], replica: str = "") -> None:
        self.conn = conn
        self.replica = replica
        self.prefix = f"{replica}/" if replica else ""
        (self._there,) = read_rows(conn, "hygiene/check_books.sql")
        self.in_recovery = bool(self._there.pop("in_recovery"))

    @property
    def exists(self) -> bool:
        """Tell whether the books are there."""
        return all(self._there.values())

    def is_needed(self, facts: SourceFacts) -> bool:
        """Tell whether there is something to write down: a server whose slots are all of standbys at work is not."""
        return self.exists or has_to_watch(facts)

    def ensure(self) -> tuple[str, ...]:
        """Make the books where they are missing, and say so."""
        missing = [table for table in TABLES if not self._there[table]]
        if not missing:
            return ()
        with changing(self.conn):
            ensure_control_schema(self.conn)
            for table in missing:
                self.conn.execute(read_sql(f"hygiene/create_{table}.sql"))
        self._there = dict.fromkeys(TABLES, True)
        where = f"{DATABASE} of its primary" if self.replica else DATABASE
        return tuple(f"created table pgcdc.{table} in database {where}" for table in missing)

    def observe(self, facts: SourceFacts) -> int:
        """Write down how each slot stands at ``facts.at``; return how many rows that made."""
        rows = [_observed(slot, self.prefix) for slot in facts.slots]
        values = {"at": facts.at, "wal_lsn": lsn_text(facts.wal_lsn), "rows": json.dumps(rows)}
        with changing(self.conn):
            return self.conn.execute(read_sql("hygiene/record_observations.sql"), values).rowcount

    def history(self, since: float, until: float = float("inf")) -> dict[str, tuple[Observation, ...]]:
        """Return how each slot stood, oldest first; of one whose owner was seen gone, from then on even if earlier."""
        if not self.exists:
            return {}
        limits = {"since": since, "until": min(until, 1e11), "prefix": self.prefix}
        rows = read_rows(self.conn, "hygiene/list_observations.sql", limits)
        return {
            name: tuple(Observation(**row) for row in seen)
            for name, seen in groupby(rows, key=lambda row: row.pop("slot_name"))
        }

    def trim(self, keep_days: float = 14, *, at: float) -> int:
        """Remove what was observed more than ``keep_days`` before ``at``; return how many rows that were."""
        with changing(self.conn):
            before = {"before": at - keep_days * DAY_SECONDS}
            return self.conn.execute(read_sql("hygiene/drop_old_observations.sql"), before).rowcount

    def watches(self) -> dict[str, Watch]:
        """Return what earlier runs decided, by slot."""
        if not self.exists:
            return {}
        rows = read_rows(self.conn, "hygiene/list_watches.sql", {"prefix": self.prefix})
        return {row.pop("slot_name"): Watch(**row) for row in rows}

    def save_watches(self, watches: Mapping[str, Watch]) -> tuple[str, ...]:
        """Make the watches those given, all of them; a blank one is none. Return the slots whose watch changed."""
        kept = {name: watch for name, watch in watches.items() if watch != Watch()}
        rows = [{"slot_name": self.prefix + name, **asdict(watch)} for name, watch in kept.items()]
        values = {"rows": json.dumps(rows), "prefix": self.prefix}
        with changing(self.conn):
            changed = self.conn.execute(read_sql("hygiene/record_watches.sql"), values).fetchall()
        return tuple(sorted(row[0].removeprefix(self.prefix) for row in changed))

    def try_lock(self) -> bool:
        """Tell whether this session is now the one that acts on the server; it is until ``unlock`` or its end."""
        row = self.conn.execute("SELECT pg_catalog.pg_try_advisory_lock(%s)", (self._key,)).fetchone()
        return bool(row and row[0])

    def unlock(self) -> None:
        """Let another run act."""
        self.conn.execute("SELECT pg_catalog.pg_advisory_unlock(%s)", (self._key,))

    @property
    def _key(self) -> int:
        """Return the key of the lock: a replica's run does not wait for its primary's."""
        return LOCK_KEY ^ zlib.crc32(self.replica.encode())


def learn(conn: psycopg.Connection[Any], slot: SlotRow, owner: Owner) -> tuple[str, ...]:
    """Write into the ledger whose ``slot`` is, unless it says so already; ``conn`` is to the slot's own database."""
    changes = ensure_ledger(conn)
    values = {
        "slot_name": slot.name,
        "owner_kind": owner.kind.value,
        "owner_id": owner.owner_id,
        "migration": owner.migration,
        "plugin": slot.plugin or "",
        "how": owner.how,
    }
    with changing(conn):
        written = conn.execute(read_sql("source/record_slot_owner.sql"), values).rowcount
    what = f"{owner.kind.value} {owner.owner_id}".strip()
    return (*changes, f"recorded the owner of slot {slot.name}: {what}") if written else changes


def lsn_text(position: int | None) -> str | None:
    """Return a byte position as PostgreSQL writes it."""
    return None if position is None else f"{position >> 32:X}/{position & 0xFFFFFFFF:X}"


def has_to_watch(facts: SourceFacts) -> bool:
    """Tell whether a slot is there that is more than a standby's at work."""
    return any(slot.slot_type == "logical" or _is_deserted(slot) for slot in facts.slots)


def _is_deserted(slot: SlotRow) -> bool:
    """Tell whether a slot of any type holds WAL back for nobody: its runway needs more than one look."""
    return not slot.active and slot.restart_lsn is not None


def _observed(slot: SlotRow, prefix: str) -> dict[str, Any]:
    return {
        "slot_name": prefix + slot.name,
        "active": slot.active,
        "restart_lsn": lsn_text(slot.restart_lsn),
        "confirmed_flush_lsn": lsn_text(slot.confirmed_flush_lsn),
        "retained_bytes": slot.retained_bytes,
    }
