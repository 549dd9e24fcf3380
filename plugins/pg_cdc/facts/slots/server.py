"""Read everything that slot hygiene knows about one server. Changes nothing."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import psycopg

from pg_cdc.decisions.slots.owners import SeenSubscription, learn_owners
from pg_cdc.decisions.slots.world import (
    CacheRate,
    Observation,
    Owner,
    OwnerKind,
    OwnerLook,
    SlotRow,
    SourceFacts,
    Watch,
)
from pg_cdc.facts.ends import read_source
from pg_cdc.facts.native.subscribers import Found, Subscriber, read_subscriber, server_name
from pg_cdc.facts.postgres import read_rows
from pg_cdc.facts.slots.owners import (
    SUBSCRIPTIONS,
    Surroundings,
    ask_subscriber,
    look_for_owner,
    read_tasks,
)
from pg_cdc.facts.slots.scan import SlotScan, read_scan
from pg_cdc.facts.slots.storage import read_storage
from pg_cdc.failures import NotYet
from pg_cdc.hooks.deadline import Deadline
from pg_cdc.hooks.postgres import source_credentials
from pg_cdc.hooks.slots.book import DATABASE, DAY_SECONDS, SlotBook

if TYPE_CHECKING:
    from pg_cdc.config import Migration
    from pg_cdc.decisions.world import Database
    from pg_cdc.hooks.postgres import Credentials

HISTORY_DAYS = 4

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class _Inside:
    """What one database of the source says."""

    ledger: Mapping[str, Owner]
    publications: tuple[str, ...]
    nodes: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class _Server:
    """What the source itself says."""

    scan: SlotScan
    about: Mapping[str, Any]
    origins: tuple[str, ...]
    cache_rates: tuple[CacheRate, ...]
    history: Mapping[str, tuple[Observation, ...]]
    watches: Mapping[str, Watch]
    databases: Mapping[str, _Inside]

    @property
    def ledger(self) -> dict[str, Owner]:
        """Return what the ledgers say, each of the slots of its own database only."""
        found = ((slot.name, self.databases.get(slot.database or "")) for slot in self.scan.slots)
        return {name: inside.ledger[name] for name, inside in found if inside and name in inside.ledger}


def read_source_facts(migrations: Sequence[Migration]) -> SourceFacts:
    """Return the facts of one server. ``migrations``: all that have it as their source.

    :raises NotYet: it gives no answer within five seconds.
    :raises CdcFailure: it is not on RDS, or the spec does not fit it.
    """
    first, database = migrations[0], read_source(migrations[0])
    if {one.source.identifier for one in migrations} != {first.source.identifier}:
        raise ValueError("the migrations have different sources")
    credentials = source_credentials(first, database, DATABASE)
    server = _ask_server(credentials, migrations)
    if database.replica_of and not server.scan.in_recovery:  # the connection's host is the primary's
        server = _ask_server(replace(credentials, host=database.host, port=database.port), migrations)
    slots = server.scan.slots
    tasks = read_tasks(first, source_arn=database.arn)
    asked = Surroundings(tasks=tasks, subscribers=_ask_subscribers(migrations, slots))
    owners = learn_owners(slots, server.ledger, tuple(_readers_of(database, server, asked)))
    return SourceFacts(
        identifier=first.source.identifier,
        at=server.scan.at,
        version_num=server.scan.version_num,
        in_recovery=server.scan.in_recovery,
        wal_lsn=server.scan.wal_lsn,
        slots=slots,
        owners=owners,
        looks=_looks(migrations, owners, asked),
        history=server.history,
        watches=server.watches,
        storage=read_storage(first, database, server.scan.keep_bytes),
        cache_rates=server.cache_rates,
        walsenders=tuple(_walsender(row) for row in server.about["walsenders"]),
        subscriptions=tuple(server.about["subscriptions"]),
        publications=_qualified(server.databases, "publications"),
        origins=server.origins,
        pglogical_nodes=_qualified(server.databases, "nodes"),
        tasks=tasks.statuses,
    )


def _ask_server(credentials: Credentials, migrations: Sequence[Migration]) -> _Server:
    deadline = Deadline()
    wanted = {one.source.database for one in migrations}

    def work() -> _Server:
        with deadline.connect(credentials) as conn:
            scan = read_scan(conn)
            (about,) = read_rows(conn, "hygiene/read_server.sql")
            book = SlotBook(conn, migrations[0].source.identifier if scan.in_recovery else "")
            return _Server(
                scan=scan,
                about=about,
                origins=_origins(conn, about),
                cache_rates=_cache_rates(conn, about),
                history=book.history(scan.at - HISTORY_DAYS * DAY_SECONDS),
                watches=book.watches(),
                databases=_databases(deadline, credentials, scan, about["databases"], wanted),
            )

    return deadline.run(migrations[0].source.identifier, work)


def _origins(conn: psycopg.Connection[Any], about: Mapping[str, Any]) -> tuple[str, ...]:
    if not about["may_read_origins"]:
        return ()
    return tuple(row["origin"] for row in _optional(conn, "hygiene/list_origins.sql"))


def _cache_rates(conn: psycopg.Connection[Any], about: Mapping[str, Any]) -> tuple[CacheRate, ...]:
    if not about["has_cache"]:
        return ()
    return tuple(CacheRate(**row) for row in _optional(conn, "hygiene/list_cache_rates.sql"))


def _optional(conn: psycopg.Connection[Any], name: str) -> list[dict[str, Any]]:
    """Return rows that no verdict rests on; none where the server refuses them."""
    try:
        return read_rows(conn, name)
    except (psycopg.errors.InsufficientPrivilege, psycopg.errors.ObjectNotInPrerequisiteState) as err:
        log.warning("%s was refused (%s): %s", name, err.sqlstate, err.diag.message_primary)
        return []


def _databases(
    deadline: Deadline, credentials: Credentials, scan: SlotScan, there: Iterable[str], wanted: set[str]
) -> dict[str, _Inside]:
    """Return what the migrations' databases say, and what those say that have a slot and let us in."""
    found: dict[str, _Inside] = {}
    for name in sorted(({slot.database or "" for slot in scan.slots} | wanted) & set(there)):
        try:
            found[name] = _look_inside(deadline, replace(credentials, dbname=name))
        except (NotYet, psycopg.Error):
            if name in wanted:
                raise
    return found


def _look_inside(deadline: Deadline, credentials: Credentials) -> _Inside:
    with deadline.connect(credentials) as conn:
        (about,) = read_rows(conn, "hygiene/list_publications.sql")
        rows = read_rows(conn, "hygiene/list_ledger.sql") if about["has_ledger"] else []
        nodes = _optional(conn, "hygiene/list_pglogical.sql") if about["has_pglogical"] else []
    return _Inside(
        ledger={row["slot_name"]: _owner(row) for row in rows},
        publications=tuple(about["publications"]),
        nodes=tuple(name for row in nodes for name in row["nodes"]),
    )


def _owner(row: Mapping[str, Any]) -> Owner:
    known = row["owner_kind"] in tuple(OwnerKind)
    return Owner(
        kind=OwnerKind(row["owner_kind"]) if known else OwnerKind.UNKNOWN,
        owner_id=row["owner_id"],
        migration=row["migration"],
        how=row["how"],
        recorded_at=row["recorded_at"],
    )


def _ask_subscribers(migrations: Sequence[Migration], slots: Sequence[SlotRow]) -> dict[str, Subscriber | str]:
    """Ask each target once, all of them under one deadline; none where no slot is one that a subscription reads."""
    if not any((slot.plugin or "").startswith(("pgoutput", "pglogical")) for slot in slots):
        return {}
    deadline = Deadline()
    targets: dict[tuple[str, str], Subscriber | str] = {}
    databases = [one for one in migrations if not one.lake.bucket]  # a bucket subscribes to nothing
    for migration in databases:
        place = (server_name(migration), migration.target.database)
        if place not in targets:
            targets[place] = ask_subscriber(migration, lambda one: read_subscriber(one, deadline))
    return {one.name: targets[(server_name(one), one.target.database)] for one in databases}


def _readers_of(database: Database, server: _Server, asked: Surroundings) -> Iterator[SeenSubscription]:
    """Yield the subscriptions that are known to read from this server: a slot's name alone may be another server's."""
    addresses = {(database.host, str(database.port))}
    addresses |= {(member.host, str(member.port)) for member in database.members}
    readers = {row["pid"]: row["name"] for row in server.about["walsenders"]}
    reading = {(slot.name, readers.get(slot.active_pid)) for slot in server.scan.slots if slot.active_pid}
    for subscriber in asked.subscribers.values():
        for found in () if isinstance(subscriber, str) else subscriber.found:
            if (found.host, found.port or "5432") in addresses or _reads(found, reading):
                yield found.seen


def _reads(found: Found, reading: set[tuple[str, str | None]]) -> bool:
    """Tell whether a session of the subscription's name reads its slot now: it is the name that subscribers give."""
    return (found.seen.slot_name, found.seen.name) in reading


def _looks(migrations: Sequence[Migration], owners: Mapping[str, Owner], asked: Surroundings) -> dict[str, OwnerLook]:
    return {
        name: look_for_owner(_who_can_look(migrations, owner), owner, slot=name, asked=asked)
        for name, owner in owners.items()
        if owner.kind is OwnerKind.DMS_TASK or owner.kind in SUBSCRIPTIONS
    }


def _who_can_look(migrations: Sequence[Migration], owner: Owner) -> Migration:
    """Return the migration whose target is the owner's server; DMS can be asked through any."""
    server, _, rest = owner.owner_id.partition("/")
    place = (server, rest.partition("/")[0])
    exact = (one for one in migrations if (server_name(one), one.target.database) == place)
    near = (one for one in migrations if server_name(one) == server)
    return next(exact, None) or next(near, None) or migrations[0]


def _walsender(row: Mapping[str, Any]) -> str:
    place = f" from {row['client']}" if row["client"] else ""
    return f"{row['pid']} {row['name'] or 'unnamed'} as {row['role']}{place}: {row['state']}"


def _qualified(databases: Mapping[str, _Inside], what: str) -> tuple[str, ...]:
    return tuple(f"{name}/{one}" for name, inside in databases.items() for one in getattr(inside, what))
