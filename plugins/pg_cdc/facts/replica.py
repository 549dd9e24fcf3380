"""Read one read replica, what it follows, and how far it has replayed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from psycopg import errors

from pg_cdc.decisions.replicas.plan import CHAIN, ReplicaFacts
from pg_cdc.facts.postgres import read_rows
from pg_cdc.facts.rds import read_database
from pg_cdc.hooks.postgres import source_credentials

if TYPE_CHECKING:
    import psycopg

    from pg_cdc.config import Migration
    from pg_cdc.config.replica import ReplicaSpec
    from pg_cdc.decisions.world import Database
    from pg_cdc.hooks.rds import CdcRdsHook


@dataclass(frozen=True, kw_only=True)
class ReplicaState:
    """``position``: what has been replayed, or on a primary written, in bytes of WAL."""

    in_recovery: bool
    paused: bool
    position: int


def read_replica_facts(hook: CdcRdsHook, migration: Migration, wanted: ReplicaSpec) -> ReplicaFacts:
    """Return the facts.

    :raises PreflightFailed: the source, or what the replica is to follow, is not there.
    """
    source = read_database(hook, migration.source.identifier)
    there = hook.find_instance(wanted.identifier) is not None
    found = read_database(hook, wanted.identifier) if there else None
    return ReplicaFacts(source=source, chain=_chain(hook, source, wanted.of or source.identifier), replica=found)


def connect_replica(migration: Migration, database: Database) -> psycopg.Connection:
    """Connect to a replica as the admin, at its own address: the connection's host is the source's, or a tunnel to it.

    :raises NotYet: it takes no connection now.
    """
    admin = source_credentials(migration, database)
    return replace(admin, host=database.host, port=database.port).connect()


def read_state(conn: psycopg.Connection) -> ReplicaState:
    """Return how far a server has replayed, or written."""
    return ReplicaState(**read_rows(conn, "source/read_replica_state.sql")[0])


def takes_writes(conn: psycopg.Connection) -> bool:
    """Tell whether a transaction can write."""
    try:
        return bool(read_rows(conn, "source/check_writable.sql"))
    except (errors.ObjectNotInPrerequisiteState, errors.ReadOnlySqlTransaction):
        return False


def _chain(hook: CdcRdsHook, source: Database, identifier: str) -> tuple[Database, ...]:
    """Return the databases from ``identifier`` up to the source; none, if it does not follow the source."""
    chain: list[Database] = []
    while len(chain) <= CHAIN + 1:
        one = source if identifier == source.identifier else read_database(hook, identifier)
        chain.append(one)
        if one.identifier == source.identifier:
            return tuple(chain)
        if one.replica_of is None:
            return ()
        identifier = one.replica_of
    return tuple(chain)
