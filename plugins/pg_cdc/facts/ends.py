"""Read where the two ends of a migration are. Changes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pg_cdc.decisions.dms.endpoints import Address
from pg_cdc.decisions.world import Database, Engine
from pg_cdc.facts.rds import read_database
from pg_cdc.hooks.rds import CdcRdsHook

if TYPE_CHECKING:
    from pg_cdc.config import Migration

POSTGRES_PORT = 5432


def read_source(migration: Migration) -> Database:
    """Return the source as RDS describes it."""
    return read_database(CdcRdsHook.of(migration), migration.source.identifier)


def read_reader(migration: Migration) -> Database:
    """Return the server that DMS reads from, as RDS describes it: the read replica of the spec, or the source."""
    return read_database(CdcRdsHook.of(migration), migration.source.read_from or migration.source.identifier)


def read_primary(migration: Migration) -> Database | None:
    """Return the server whose WAL the source replays; the source, if it is no replica. None: in another region."""
    hook = CdcRdsHook.of(migration)
    database = read_database(hook, migration.source.identifier)
    while database.replica_of:
        if database.replica_of.startswith("arn:"):
            return None
        database = read_database(hook, database.replica_of)
    return database


def read_target_address(migration: Migration, *, user: str) -> Address:
    """Return where the target is: what RDS tells of its identifier, or the host that the spec gives."""
    target = migration.target
    if target.identifier:
        found = read_database(CdcRdsHook.of(migration), target.identifier)
        return Address(host=found.host, port=found.port, user=user, engine=found.engine.value)
    return Address(host=target.host or "", port=target.port or POSTGRES_PORT, user=user, engine=Engine.RDS.value)
