"""Reach the source of a teardown, which may be gone or away: that is then said, and the rest goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pg_cdc.facts.rds import read_database
from pg_cdc.failures import CdcFailure, NotYet
from pg_cdc.hooks.postgres import connect_source
from pg_cdc.hooks.rds import CdcRdsHook

if TYPE_CHECKING:
    from psycopg import Connection

    from pg_cdc.config import Migration
    from pg_cdc.decisions.world import Database


class SourceAway(Exception):
    """The source cannot be reached. Says why, in words."""


def find_source(migration: Migration) -> Database | None:
    """Return the source as RDS describes it; None: RDS has it no more.

    :raises SourceAway: it has no writer now.
    """
    hook = CdcRdsHook.of(migration)
    identifier = migration.source.identifier
    if hook.find_cluster(identifier) is None and hook.find_instance(identifier) is None:
        return None
    try:
        return read_database(hook, identifier)
    except NotYet as err:
        raise SourceAway(str(err)) from err


def reach_source(
    migration: Migration, *, dbname: str | None = None, database: Database | None = None
) -> tuple[Database, Connection[Any]]:
    """Return the source and a connection to it. ``dbname`` None: the migration's database.

    :raises SourceAway: RDS has it no more, it does not answer, or refuses the login.
    """
    found = database or find_source(migration)
    if found is None:
        raise SourceAway(f"RDS has no {migration.source.identifier} any more")
    try:
        return found, connect_source(migration, found, dbname=dbname)
    except NotYet as err:
        raise SourceAway(str(err)) from err
    except CdcFailure as failure:
        raise SourceAway(failure.found) from failure
