"""What is waited for before a slot can be dropped."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pg_cdc.waits import Look, Wait


@dataclass(frozen=True, kw_only=True)
class SlotsReleased(Wait):
    """Waits until nobody reads these slots. ``host`` and ``port`` are the source's, so that no look asks AWS."""

    migration: Mapping[str, Any]
    host: str
    port: int
    slots: list[str]

    def look(self) -> Look:
        """Read who reads them."""
        from pg_cdc.decisions.teardown.control import BOOKS_DATABASE
        from pg_cdc.facts.postgres import read_rows
        from pg_cdc.hooks.postgres import admin_credentials
        from pg_cdc.spec import migration_from_mapping

        migration = migration_from_mapping(self.migration)
        with admin_credentials(migration, host=self.host, port=self.port, dbname=BOOKS_DATABASE).connect() as conn:
            readers = read_rows(conn, "source/read_slot_reader.sql", {"slots": list(self.slots)})
        told = [
            f"slot {row['slot']} is read by {row['role'] or 'somebody'} (process {row['pid']}, {row['application']}"
            f" at {row['address']})"
            for row in readers
        ]
        return Look(done=not told, progress="; ".join(told) or "nobody reads the slots any more")
