"""Find the other migrations of a server: in the books of all its databases, and by their DMS endpoints."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from psycopg import sql

from pg_cdc.decisions import names
from pg_cdc.decisions.teardown.restore_parameters import OtherMigration
from pg_cdc.facts.teardown.source_reach import SourceAway, reach_source
from pg_cdc.hooks.dms import CdcDmsHook
from pg_cdc.hooks.history import Before, read_before

if TYPE_CHECKING:
    from psycopg import Connection

    from pg_cdc.config import Migration
    from pg_cdc.decisions.world import Database

BEFORE = "parameter_before"
BOOKS = ("marker", "reboot", "slot_owner")
"""Rows in these are of a migration that is under way; old parameter values may outlive theirs."""

DATABASES = """
SELECT datname FROM pg_catalog.pg_database
WHERE datallowconn AND NOT datistemplate AND pg_catalog.has_database_privilege(oid, 'CONNECT') AND datname <> 'rdsadmin'
ORDER BY datname
"""
"""rdsadmin is AWS's own: nobody else gets in."""


@dataclass(frozen=True, kw_only=True)
class Neighbours:
    """What else is on the server. ``unread``: databases that could not be looked into.

    ``before``: old parameter values by migration and database; of this one, and of those that nothing else is left of.
    """

    others: tuple[OtherMigration, ...]
    unread: tuple[str, ...]
    pglogical_in: tuple[str, ...]
    before: Mapping[tuple[str, str], tuple[Before, ...]]


def read_neighbours(conn: Connection[Any], migration: Migration, database: Database) -> Neighbours:
    """Look into every database of the server that ``conn`` is connected to."""
    others: dict[str, OtherMigration] = {one.name: one for one in _by_endpoint(migration, database)}
    before: dict[tuple[str, str], tuple[Before, ...]] = {}
    unread, pglogical_in = [], []
    for dbname in [str(row[0]) for row in conn.execute(DATABASES)]:
        try:
            _, there = reach_source(migration, dbname=dbname, database=database)
        except SourceAway:
            unread.append(dbname)
            continue
        with there:
            for name in _names_in(there, BOOKS):
                others.setdefault(name, OtherMigration(name=name, database=dbname, how=f"its books are in {dbname}"))
            for name in _names_in(there, (BEFORE,)):
                before[name, dbname] = tuple(read_before(there, name).values())
            if there.execute("SELECT FROM pg_catalog.pg_extension WHERE extname = 'pglogical'").fetchone():
                pglogical_in.append(dbname)
    others.pop(migration.name, None)
    return Neighbours(
        others=tuple(others[name] for name in sorted(others)),
        unread=tuple(unread),
        pglogical_in=tuple(pglogical_in),
        before={key: rows for key, rows in before.items() if key[0] not in others},
    )


def _names_in(conn: Connection[Any], books: tuple[str, ...]) -> Iterator[str]:
    """Yield the migrations that ``books`` of this database name."""
    query = "SELECT relname FROM pg_catalog.pg_class WHERE relnamespace = to_regnamespace(%s) AND relkind = 'r'"
    tables = {row[0] for row in conn.execute(query, (names.CONTROL_SCHEMA,))}
    for table in books:
        if table in tables:
            named = sql.Identifier(names.CONTROL_SCHEMA, table)
            rows = conn.execute(sql.SQL("SELECT DISTINCT migration FROM {}").format(named))
            yield from (str(row[0]) for row in rows if row[0])


def _by_endpoint(migration: Migration, database: Database) -> Iterator[OtherMigration]:
    """Yield the migrations whose source endpoint is on this server; one with a secret does not say where it is."""
    hook = CdcDmsHook.of(migration)
    filters = [{"Name": "endpoint-type", "Values": ["source"]}]
    places = {(database.host, database.port), *((member.host, member.port) for member in database.members)}
    for row in hook.read_all("describe_endpoints", "Endpoints", Filters=filters):
        if (row.get("ServerName"), row.get("Port")) not in places:
            continue
        if name := hook.tags(row["EndpointArn"]).get(names.TAG):
            identifier = row["EndpointIdentifier"]
            yield OtherMigration(
                name=name, database=row.get("DatabaseName", ""), how=f"its endpoint {identifier} is there"
            )
