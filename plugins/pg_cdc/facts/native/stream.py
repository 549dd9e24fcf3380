"""Read how the stream is: slot, subscription, replication origin, lag. Changes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import psycopg

from pg_cdc.decisions.native import names as native_names
from pg_cdc.decisions.native.pglogical import is_pglogical
from pg_cdc.facts.native.objects import read_slot, read_snapshot, read_subscription
from pg_cdc.facts.native.pglogical import read_copy, read_pglogical_subscription, slot_name
from pg_cdc.facts.postgres import read_rows
from pg_cdc.facts.streaming import marker_state, read_marker

if TYPE_CHECKING:
    from psycopg import Connection

    from pg_cdc.config import Migration
    from pg_cdc.decisions.native.world import NativeSlot, Subscription
    from pg_cdc.hooks.postgres import Credentials


@dataclass(frozen=True, kw_only=True)
class Stream:
    """``applied_lsn``: what the origin remembers; None: nothing, or it may not be seen. ``seconds``: the marker's."""

    slot: NativeSlot | None
    subscription: Subscription | None
    applied_lsn: str | None
    seconds: float | None

    def told(self) -> dict[str, Any]:
        """Return it as the report's JSON values."""
        slot, subscription = self.slot, self.subscription
        return {
            "slot": {}
            if slot is None
            else {
                "name": slot.name,
                "plugin": slot.plugin,
                "active": slot.active,
                "retained_bytes": slot.retained_bytes,
                "lag_bytes": slot.lag_bytes,
                "confirmed_flush_lsn": slot.confirmed_flush_lsn,
                "applied_lsn": self.applied_lsn,
                "subscription": None if subscription is None else native_state(subscription),
                "silent_seconds": None if subscription is None else _rounded(subscription.silent_seconds),
            },
            "marker": {"seconds": _rounded(self.seconds)},
        }


def native_state(subscription: Subscription) -> str:
    """Return the state of a subscription in a word or two."""
    if not subscription.enabled:
        return "disabled"
    return "applying" if subscription.worker_pid else "enabled, without a worker"


class LoadedStream(NamedTuple):
    """A load that is over: the point at which the stream goes on, and the slot that it comes through."""

    point: str
    slot_name: str


def read_loaded_stream(source: Connection[Any], target: Connection[Any], migration: Migration) -> LoadedStream | None:
    """Return what the stream goes on from; None: not every table is loaded yet."""
    if is_pglogical(migration):
        copy, found = read_copy(target, migration), read_pglogical_subscription(target, migration)
        if copy is None or found is None or not copy.is_done:
            return None
        return LoadedStream(f"pglogical subscription {found.oid}", str(found.slot_name))
    snapshot = read_snapshot(source, migration)
    return (
        None if snapshot is None or not snapshot.loaded else LoadedStream(snapshot.consistent_point, snapshot.slot_name)
    )


def read_stream(source: Credentials, target: Credentials, migration: Migration) -> Stream:
    """Return the stream as both ends see it now."""
    with target.connect() as conn:
        subscription = read_any_subscription(conn, migration)
        applied = None if subscription is None else _applied(conn, _origin(subscription, migration))
    with source.connect() as conn:
        made, _ = marker_state(conn, migration.dms_role.name)
        marker = read_marker(conn, migration.name) if made else None
        return Stream(
            slot=read_slot(conn, slot_name(conn, migration)),
            subscription=subscription,
            applied_lsn=applied,
            seconds=marker.seconds if marker else None,
        )


def read_any_subscription(target: Connection[Any], migration: Migration) -> Subscription | None:
    """Return the subscription, of whichever engine the migration has."""
    if is_pglogical(migration):
        return read_pglogical_subscription(target, migration)
    return read_subscription(target, native_names.subscription(migration))


def _origin(subscription: Subscription, migration: Migration) -> str:
    """Return the name of the replication origin: pglogical's is called as its slot."""
    return str(subscription.slot_name) if is_pglogical(migration) else f"pg_{subscription.oid}"


def _applied(conn: Connection[Any], origin: str) -> str | None:
    try:
        rows = read_rows(conn, "native/read_origin.sql", {"origin": origin})
    except psycopg.errors.InsufficientPrivilege:
        return None
    return rows[0]["remote_lsn"] if rows else None


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 2)
