"""Decide what native replication has left behind, what of it is ours, and in which order it goes. Pure.

Subscriptions go first, whatever is kept: the slot goes with every teardown, and without it they only fail. Replicated
tables stay. Slot, ledger, marker, parameters and role are those of every migration: other steps remove them.
Source: https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/AuroraPostgreSQL.Replication.Logical.html
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from pg_cdc.config import Migration
from pg_cdc.decisions.native import names as native_names
from pg_cdc.decisions.native.pglogical import EXTENSION, LIBRARY, NODE, SET, PglogicalEnd, node, replication_set
from pg_cdc.decisions.native.world import Name, Publication, Subscription, written
from pg_cdc.decisions.teardown.residue import Place, Trace
from pg_cdc.decisions.teardown.sql import Item, on_source, on_target, quoted

SOURCE_BOOKS = ("snapshot", "identity_before", "pglogical_made")
TARGET_BOOKS = ("copied_schema", "loaded_table", "pglogical_made")

NO_PGLOGICAL = PglogicalEnd()
STREAM, REST = "native_stream", "native_rest"
"""The parts: the subscriptions, and what is left without them."""


@dataclass(frozen=True, kw_only=True)
class NativeRemains:
    """What both ends still have. ``*_why``: why an end could not be reached. ``*_books``: with our rows, or nobody's.

    ``identities``: tables that still have the replica identity we gave them.
    """

    migration: Migration
    source_why: str = ""
    target_why: str = ""
    subscription: Subscription | None = None
    pglogical_subscription: Subscription | None = None
    publication: Publication | None = None
    identities: tuple[tuple[Name, str], ...] = ()
    pglogical_source: PglogicalEnd = NO_PGLOGICAL
    pglogical_target: PglogicalEnd = NO_PGLOGICAL
    source_books: bool = False
    target_books: bool = False


def native_items(found: NativeRemains, *, source_stays: str, target_stays: str) -> tuple[Item, ...]:
    """Return everything, in the order in which it goes. ``*_stays``: why that end is kept as it is; empty: it goes."""
    return (
        *_subscriptions(found),
        *_publication(found, source_stays),
        *_identities(found, source_stays),
        *_pglogical(found, Place.SOURCE, found.pglogical_source, source_stays),
        *_pglogical(found, Place.TARGET, found.pglogical_target, target_stays),
        *_books(Place.SOURCE, found.source_books, source_stays),
        *_books(Place.TARGET, found.target_books, target_stays),
    )


def going(items: Iterable[Item], part: str, place: Place) -> tuple[str, ...]:
    """Return the actions of a part that are due on one end."""
    return tuple(item.action for item in items if item.part == part and item.trace.place is place and item.goes)


def _subscriptions(found: NativeRemains) -> Iterator[Item]:
    name = native_names.subscription(found.migration)
    comment = native_names.comment(found.migration)
    kinds = (
        ("subscription", "subscription", f"DROP SUBSCRIPTION {quoted(name)}", found.subscription),
        (
            "pglogical subscription",
            "pglogical_subscription",
            f"SELECT pglogical.drop_subscription('{name}')",
            found.pglogical_subscription,
        ),
    )
    for kind, action, command, one in kinds:
        if one is None and action != "subscription":
            continue
        trace = on_target(
            kind,
            name,
            exists=None if found.target_why else one is not None,
            ours=one is None or one.comment == comment,
            command=command,
            detail=f"target: {found.target_why}" if found.target_why else "",
        )
        yield Item(part=STREAM, action=action, trace=trace)


def _publication(found: NativeRemains, stays: str) -> Iterator[Item]:
    name = native_names.publication(found.migration)
    one = found.publication
    trace = on_source(
        "publication",
        name,
        exists=None if found.source_why else one is not None,
        ours=one is None or one.comment == native_names.comment(found.migration),
        keep=stays,
        command=f"DROP PUBLICATION {quoted(name)}",
        detail=f"source: {found.source_why}" if found.source_why else "",
    )
    yield Item(part=REST, action="publication", trace=trace)


def _identities(found: NativeRemains, stays: str) -> Iterator[Item]:
    for table, identity in found.identities:
        word = "NOTHING" if identity == "n" else "DEFAULT"
        command = f"ALTER TABLE {quoted(*table)} REPLICA IDENTITY {word}"
        trace = on_source("replica identity", written(table), exists=True, keep=stays, command=command)
        yield Item(part=REST, action="identities", trace=trace)


def _pglogical(found: NativeRemains, place: Place, end: PglogicalEnd, stays: str) -> Iterator[Item]:
    """A node that others use is needed by them, and so is the extension around it."""
    own_set, own_node = replication_set(found.migration), node(found.migration, place)
    others = [f"replication set {one}" for one in end.sets if one != own_set]
    own = native_names.subscription(found.migration)
    others += [f"subscription {one}" for one in end.subscriptions if one != own]
    keep = stays or (f"used by {', '.join(others)}" if others else "")
    if (SET, own_set) in end.made and own_set in end.sets:
        command = f"SELECT pglogical.drop_replication_set('{own_set}')"
        yield _item(place, "replication set", own_set, "set", stays, command)
    if (NODE, own_node) in end.made and end.node == own_node:
        yield _item(place, "pglogical node", own_node, "node", keep, f"SELECT pglogical.drop_node('{own_node}')")
    # On the source the extension is a part of every teardown: DMS may have it too.
    if place is Place.TARGET and (EXTENSION, LIBRARY) in end.made and end.version is not None:
        keep = keep or (f"it has node {end.node}" if end.node not in (None, own_node) else "")
        yield _item(place, "extension", LIBRARY, "extension", keep, "DROP EXTENSION pglogical; DROP SCHEMA pglogical")


def _item(place: Place, kind: str, name: str, action: str, keep: str, command: str) -> Item:
    trace = Trace(place=place, kind=kind, name=name, exists=True, keep=keep, command=command)
    return Item(part=REST, action=action, trace=trace)


def _books(place: Place, are_there: bool, stays: str) -> Iterator[Item]:
    if are_there:
        command = f"see include/sql/native/drop_{place.value}_books.sql"
        yield _item(place, "rows", "of pgcdc_native", "books", stays, command)
