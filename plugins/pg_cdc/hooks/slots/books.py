"""Open the books of slot hygiene on a server, for one run at a time, and write down what that run saw."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from pg_cdc.decisions.slots.actions import disowned, next_watches
from pg_cdc.decisions.slots.world import OwnerKind
from pg_cdc.facts.ends import read_primary, read_source
from pg_cdc.hooks.deadline import Deadline
from pg_cdc.hooks.postgres import source_credentials
from pg_cdc.hooks.slots.book import DATABASE, SlotBook, has_to_watch, learn

if TYPE_CHECKING:
    import psycopg

    from pg_cdc.config import Migration
    from pg_cdc.decisions.slots.past import History
    from pg_cdc.decisions.slots.verdicts import Verdict
    from pg_cdc.decisions.slots.world import Owner, SourceFacts
    from pg_cdc.decisions.world import Database


BUSY = "another run is at work on this server: this one only reports"
FAR = "its primary, where the books on its slots would be, cannot be written to from here: nobody is told of its alarms"


class Books(NamedTuple):
    """The books, for whom they are open. ``book`` None: there is nothing to write down, or ``why`` they stay closed."""

    book: SlotBook | None
    why: str = ""


@contextmanager
def open_books(migration: Migration, facts: SourceFacts | None = None) -> Iterator[Books]:
    """Open the books of a server under their lock. ``facts``: of a server that may have nothing to write down."""
    primary = read_primary(migration)
    if primary is None:
        yield Books(None, FAR if facts is None or has_to_watch(facts) else "")
        return
    with _connect(migration, DATABASE, primary) as conn:
        book = _book(conn, migration, primary)
        if facts is not None and not book.is_needed(facts):
            yield Books(None)
        elif book.in_recovery:
            yield Books(None, FAR)
        elif not book.try_lock():
            yield Books(None, BUSY)
        else:
            try:
                yield Books(book)
            finally:
                book.unlock()


def read_books(migration: Migration, *, since: float, until: float) -> History:
    """Return how the slots stood between two moments, as it was written down."""
    primary = read_primary(migration)
    if primary is None:
        return {}
    with _connect(migration, DATABASE, primary) as conn:
        return _book(conn, migration, primary).history(since, until)


def write_down(
    book: SlotBook, migration: Migration, facts: SourceFacts, verdicts: Sequence[Verdict], *, keep_days: float
) -> tuple[str, ...]:
    """Write down how the slots stand, whose they are and whose owner is gone.

    Return what that changed, but for the look itself: each run has its own.
    """
    changes = book.ensure()
    book.observe(facts)
    watched = book.save_watches(next_watches(facts, verdicts, told=False))
    book.trim(keep_days, at=facts.at)
    learned = {name: owner for name, owner in facts.owners.items() if _is_learned(owner)}
    owners = {**learned, **disowned(facts, verdicts)}
    return (*changes, *(f"noted what is known of slot {name}" for name in watched), *_learn(migration, facts, owners))


def _is_learned(owner: Owner) -> bool:
    """Tell whether an owner was found out just now, by its subscription: the ledger does not have it."""
    return owner.kind is not OwnerKind.UNKNOWN and owner.recorded_at is None


def _learn(migration: Migration, facts: SourceFacts, owners: Mapping[str, Owner]) -> Iterator[str]:
    for slot in facts.slots:
        if slot.name in owners and slot.database and not facts.in_recovery:
            with _connect(migration, slot.database, read_source(migration)) as conn:
                yield from learn(conn, slot, owners[slot.name])


def _book(conn: psycopg.Connection[Any], migration: Migration, primary: Database) -> SlotBook:
    identifier = migration.source.identifier
    return SlotBook(conn, "" if identifier == primary.identifier else identifier)


@contextmanager
def _connect(migration: Migration, dbname: str, database: Database) -> Iterator[psycopg.Connection[Any]]:
    credentials = source_credentials(migration, database, dbname)
    with Deadline().connect(credentials) as conn:
        yield conn
