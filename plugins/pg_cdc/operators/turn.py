"""Whose turn it is on the source cluster, for the steps that change it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pg_cdc.failures import NotYet

if TYPE_CHECKING:
    from airflow.sdk import Context

    from pg_cdc.config import Migration
    from pg_cdc.decisions.world import Database


def owner_of(migration: Migration, context: Context) -> str:
    """Return who this run is in the lease."""
    from pg_cdc.decisions.lease import owner_name

    return owner_name(migration.name, str(context.get("run_id") or "without a run"))


def require_turn(migration: Migration, context: Context, database: Database | None = None) -> None:
    """Refuse to go on while another run has the lease: a task cleared after its run gave it back has none.

    :raises NotYet: left to retries.
    """
    from pg_cdc.decisions.lease import describe_lease, is_free
    from pg_cdc.facts.ends import read_source
    from pg_cdc.hooks.lease import DATABASE, LeaseBook
    from pg_cdc.hooks.postgres import connect_source

    name = migration.source.identifier
    with connect_source(migration, database or read_source(migration), dbname=DATABASE) as conn:
        lease = LeaseBook(conn, name).read()
    if not is_free(lease, owner_of(migration, context)):
        raise NotYet(f"{describe_lease(lease, name)}; clear take_lease to wait for its end")
