"""Take native replication off both ends: the subscription before its slot, publication, identities and books after it.

An end that cannot be reached is no failure here, as in the other steps of a teardown: the report at its end fails.
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, ClassVar

from pg_cdc.decisions.outcome import Outcome
from pg_cdc.failures import NotProved
from pg_cdc.operators.base import CdcOperator

if TYPE_CHECKING:
    from airflow.sdk import Context

    from pg_cdc.config import Migration
    from pg_cdc.decisions.teardown.sql import Item
    from pg_cdc.facts.teardown.residue_ends import SourceEnd, TargetEnd


class NativePartOperator(CdcOperator):
    """A step that removes one part, of whichever engine is found there."""

    part: ClassVar[str]

    def step(self, migration: Migration, context: Context) -> Outcome:
        """Remove what is ours, and prove that it is gone."""
        from pg_cdc.config.teardown import teardown_from_params
        from pg_cdc.facts.native.remains import read_native_items
        from pg_cdc.facts.teardown.residue_ends import open_source, open_target

        teardown = teardown_from_params(context["params"])
        with ExitStack() as stack:
            source, target = stack.enter_context(open_source(migration)), stack.enter_context(open_target(migration))
            items = read_native_items(source, target, migration, teardown)
            changes = self.remove(source, target, migration, items)
            if changes:
                items = read_native_items(source, target, migration, teardown)
        if left := [item.trace for item in items if item.part == self.part and item.goes]:
            raise NotProved(
                found=", ".join(f"{trace.kind} {trace.name}" for trace in left),
                expected="gone, after it was removed",
                next=f"run by hand: {left[0].command}; then clear {self.task_id}",
            )
        away = (("source", source.why), ("target", target.why))
        told = tuple(f"could not reach the {end}, so nothing was removed there: {why}" for end, why in away if why)
        return Outcome(changes=changes, warnings=told)

    def remove(
        self, source: SourceEnd, target: TargetEnd, migration: Migration, items: tuple[Item, ...]
    ) -> tuple[str, ...]:
        """Remove the part."""
        raise AssertionError("a subclass says what")


class DropSubscriptionOperator(NativePartOperator):
    """Drop the subscription on the target; its slot is dropped by the step that drops every migration's."""

    part = "native_stream"

    def remove(
        self, source: SourceEnd, target: TargetEnd, migration: Migration, items: tuple[Item, ...]
    ) -> tuple[str, ...]:
        """Drop it, of either engine."""
        from pg_cdc.decisions.native.teardown import STREAM, going
        from pg_cdc.decisions.teardown.residue import Place
        from pg_cdc.hooks.native import pglogical as native_pglogical
        from pg_cdc.hooks.native import subscription

        changes: tuple[str, ...] = ()
        if target.conn is None:
            return changes
        due = going(items, STREAM, Place.TARGET)
        if "subscription" in due:
            changes += subscription.drop_subscription(target.conn, migration)
        if "pglogical_subscription" in due:
            changes += native_pglogical.drop_subscription(target.conn, migration)
        return changes


class RemoveNativeObjectsOperator(NativePartOperator):
    """Drop publication, replication set and node, put replica identities back, and forget the migration in our books.

    The books go with the last migration in them; those of an end last, since they say what is ours there.
    """

    part = "native_rest"

    def remove(
        self, source: SourceEnd, target: TargetEnd, migration: Migration, items: tuple[Item, ...]
    ) -> tuple[str, ...]:
        """Remove what is due, the target's first: what its tables had is known from the source's books."""
        from pg_cdc.decisions.native.teardown import REST, going
        from pg_cdc.decisions.teardown.residue import Place

        there, here = going(items, REST, Place.TARGET), going(items, REST, Place.SOURCE)
        changes: tuple[str, ...] = ()
        if target.conn is not None:
            changes += self._on_target(target.conn, source.conn, migration, there, here)
        if source.conn is not None:
            changes += self._on_source(source.conn, migration, here)
        return changes

    def _on_target(
        self, conn: Any, source: Any, migration: Migration, there: tuple[str, ...], here: tuple[str, ...]
    ) -> tuple[str, ...]:
        from pg_cdc.decisions.native.teardown import TARGET_BOOKS
        from pg_cdc.decisions.teardown.residue import Place
        from pg_cdc.facts.native.remains import read_identities
        from pg_cdc.hooks.native import pglogical as native_pglogical
        from pg_cdc.hooks.native import removal as native_removal

        changes: tuple[str, ...] = ()
        if source is not None and "identities" in here:
            changes += native_removal.put_identities_back(conn, read_identities(source, migration))
        if "node" in there:
            changes += native_pglogical.drop_node(conn, migration, Place.TARGET)
        if "extension" in there:
            changes += native_pglogical.drop_extension(conn)
        if "books" in there:
            changes += native_removal.forget_books(conn, TARGET_BOOKS, migration, end="target")
        return changes

    def _on_source(self, conn: Any, migration: Migration, here: tuple[str, ...]) -> tuple[str, ...]:
        from pg_cdc.decisions.native.teardown import SOURCE_BOOKS
        from pg_cdc.decisions.teardown.residue import Place
        from pg_cdc.facts.native.remains import read_identities
        from pg_cdc.hooks.native import pglogical as native_pglogical
        from pg_cdc.hooks.native import removal as native_removal
        from pg_cdc.hooks.patience import changing

        changes: tuple[str, ...] = ()
        with changing(conn):
            if "publication" in here:
                changes += native_removal.drop_publication(conn, migration)
            if "identities" in here:
                changes += native_removal.put_identities_back(conn, read_identities(conn, migration))
            if "set" in here:
                changes += native_pglogical.drop_set(conn, migration)
            if "node" in here:
                changes += native_pglogical.drop_node(conn, migration, Place.SOURCE)
            if "books" in here:
                changes += native_removal.forget_books(conn, SOURCE_BOOKS, migration, end="source")
        return changes
