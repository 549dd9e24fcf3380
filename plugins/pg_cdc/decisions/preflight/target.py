"""Preflight of the target: is it another database than the source, and does it take writes."""

from __future__ import annotations

from collections.abc import Iterator

from pg_cdc.config import Migration, MigrationType
from pg_cdc.decisions.preflight.findings import error, note
from pg_cdc.decisions.world import Database, Finding, Server

AVAILABLE = "available"


def target_findings(
    migration: Migration, source: Server, target: Server, target_database: Database | None
) -> Iterator[Finding]:
    """Yield the findings on the target. ``target_database`` None: it is not on RDS."""
    where = migration.target.identifier or migration.target.host or "target"
    if target_database is not None and target_database.status != AVAILABLE:
        yield error(
            "target_not_available",
            where,
            found=f"status {target_database.status}",
            expected=f"status {AVAILABLE}",
            cure="wait until RDS shows it available, then clear this task",
        )
    if _same_server(source, target) and migration.source.database == migration.target.database:
        yield error(
            "target_equals_source",
            where,
            found=f"the source's own server and database {migration.target.database}, under another name",
            expected="another database: a task would copy the tables onto themselves",
            cure="correct the target",
        )
    elif target.in_recovery:
        yield error(
            "target_in_recovery",
            where,
            found="a server in recovery (a reader or a standby)",
            expected="a server that takes writes",
            cure="give the cluster's identifier, and no reader's host",
        )
    if migration.replication.migration_type is MigrationType.CDC:
        yield note(
            "changes_only",
            where,
            found="migration type cdc: no row that is there now is copied",
            cure="see that the target has the tables, filled as of the moment the task starts",
        )


def _same_server(source: Server, target: Server) -> bool:
    """Tell whether both are one running server; the start time tells a restored copy from its original.

    A user who may not read the system identifier sees it empty.
    """
    identifiers = {source.system_identifier, target.system_identifier} - {""}
    return len(identifiers) <= 1 and source.postmaster_started == target.postmaster_started
