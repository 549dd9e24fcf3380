"""What is waited for before a run may change a cluster."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pg_cdc.waits import Look, Wait


@dataclass(frozen=True, kw_only=True)
class LeaseFree(Wait):
    """Waits for the end of another run's lease. ``host`` and ``port`` are the source's, so that no look asks AWS."""

    migration: Mapping[str, Any]
    host: str
    port: int
    owner: str

    def look(self) -> Look:
        """Read the lease."""
        from pg_cdc.decisions.lease import describe_lease, is_free
        from pg_cdc.hooks.lease import DATABASE, LeaseBook
        from pg_cdc.hooks.postgres import admin_credentials
        from pg_cdc.spec import migration_from_mapping

        migration = migration_from_mapping(self.migration)
        name = migration.source.identifier
        with admin_credentials(migration, host=self.host, port=self.port, dbname=DATABASE).connect() as conn:
            lease = LeaseBook(conn, name).read()
        return Look(done=is_free(lease, self.owner), progress=describe_lease(lease, name))
