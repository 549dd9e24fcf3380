"""Read which subscriptions a migration's target has, native ones and pglogical's, and where they read from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pg_cdc.decisions.slots.owners import SeenSubscription
from pg_cdc.decisions.slots.world import OwnerKind
from pg_cdc.facts.postgres import read_rows
from pg_cdc.hooks.deadline import Deadline
from pg_cdc.hooks.postgres import target_credentials
from pg_cdc.hooks.rds import CdcRdsHook

if TYPE_CHECKING:
    import psycopg

    from pg_cdc.config import Migration


@dataclass(frozen=True, kw_only=True)
class Found:
    """A subscription and the address it reads from; empty: it may not be seen."""

    seen: SeenSubscription
    host: str = ""
    port: str = ""


@dataclass(frozen=True, kw_only=True)
class Subscriber:
    """What a target server says. ``origins``: names of its replication origins."""

    server: str
    database: str
    found: tuple[Found, ...]
    origins: frozenset[str]


def server_name(migration: Migration) -> str:
    """Return what the target's server is called in an owner's id."""
    return migration.target.identifier or migration.target.host or ""


def read_subscriber(migration: Migration, deadline: Deadline | None = None) -> Subscriber:
    """Return what the target of ``migration`` says. :raises NotYet: it gives no answer in time."""
    credentials = target_credentials(migration, CdcRdsHook.of(migration))
    name = server_name(migration)
    limit = deadline or Deadline()

    def work() -> Subscriber:
        with limit.connect(credentials) as conn:
            return Subscriber(
                server=name,
                database=migration.target.database,
                found=(*_native(conn, name), *_pglogical(conn, name, migration.target.database)),
                origins=frozenset(row["name"] for row in read_rows(conn, "hygiene/list_subscriber_origins.sql")),
            )

    return limit.run(name, work)


def _native(conn: psycopg.Connection[Any], server: str) -> Iterator[Found]:
    rows = read_rows(conn, "hygiene/list_subscriptions.sql")
    places = _places(conn, rows)
    for row in rows:
        place = places.get((row["database"], row["name"]), {})
        yield _found(OwnerKind.NATIVE_SUBSCRIPTION, server, row["database"], row, place)


def _places(conn: psycopg.Connection[Any], rows: Sequence[dict[str, Any]]) -> dict[tuple[str, str], dict[str, Any]]:
    if not rows or not rows[0]["may_read_place"]:
        return {}
    places = read_rows(conn, "hygiene/list_subscription_places.sql")
    return {(place["database"], place["name"]): place for place in places}


def _pglogical(conn: psycopg.Connection[Any], server: str, database: str) -> Iterator[Found]:
    (about,) = read_rows(conn, "hygiene/list_publications.sql")
    if about["has_pglogical"]:
        (row,) = read_rows(conn, "hygiene/list_pglogical.sql")
        for one in row["subscriptions"]:
            yield _found(OwnerKind.PGLOGICAL_SUBSCRIPTION, server, database, one, one)


def _found(kind: OwnerKind, server: str, database: str, row: dict[str, Any], place: dict[str, Any]) -> Found:
    seen = SeenSubscription(
        kind=kind,
        server=server,
        database=database,
        name=row["name"],
        slot_name=row["slot"] or "",
        enabled=row["enabled"],
        source_database=place.get("source_database") or "",
    )
    return Found(seen=seen, host=place.get("host") or "", port=place.get("port") or "")
