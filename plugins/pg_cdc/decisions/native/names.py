"""Every name that native replication gives to something: made from the migration's name and its databases. Pure."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

from pg_cdc.decisions import names

if TYPE_CHECKING:
    from pg_cdc.config import Migration

SCHEMA = "pgcdc_native"
"""Where the load keeps its books, on both ends."""


def publication(migration: Migration) -> str:
    """Return the name of the publication, in the source database."""
    return f"pg_cdc_{_plain(migration)}"


def subscription(migration: Migration) -> str:
    """Return the name of the subscription, in the target database."""
    return f"pg_cdc_{_plain(migration)}"


def slot(migration: Migration) -> str:
    """Return the name of the slot: slots are known by name in the whole server, so it tells the databases apart."""
    ends = "/".join((migration.name, migration.source.database, server(migration), migration.target.database))
    return f"pg_cdc_{_plain(migration)}_{sha256(ends.encode()).hexdigest()[:8]}"


def server(migration: Migration) -> str:
    """Return what the target's server is called in the ledger of slots."""
    return migration.target.identifier or migration.target.host or ""


def owner_id(migration: Migration) -> str:
    """Return the subscription's name among all servers, as the ledger of slots has it."""
    return f"{server(migration)}/{migration.target.database}/{subscription(migration)}"


def comment(migration: Migration) -> str:
    """Return the comment that says a publication or a subscription is ours."""
    return f"{names.TAG}={migration.name}"


def keeper(migration: Migration) -> str:
    """Return the application name of the session that holds the snapshot."""
    return f"pg_cdc keeper {migration.name}"


def loader(migration: Migration) -> str:
    """Return the application name of the sessions that copy."""
    return f"pg_cdc load {migration.name}"


def _plain(migration: Migration) -> str:
    return migration.name.replace("-", "_")
