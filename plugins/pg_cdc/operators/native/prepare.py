"""Publish the tables, make them on the target, and subscribe to a slot that is yet to come."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pg_cdc.config import KeylessTables
from pg_cdc.decisions.outcome import Outcome
from pg_cdc.failures import Differs, NotOurs, NotProved
from pg_cdc.operators.native import pglogical as native_pglogical
from pg_cdc.operators.native.step import Ends, NativeStep
from pg_cdc.operators.turn import require_turn

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow.sdk import Context
    from psycopg import Connection

    from pg_cdc.config import Migration
    from pg_cdc.decisions.native.publication import Scope
    from pg_cdc.decisions.native.world import Subscription
    from pg_cdc.decisions.world import Table


class EnsurePublicationOperator(NativeStep):
    """Publish the selected tables and the marker. Before the slot: a slot decodes with what was published then."""

    def step(self, migration: Migration, context: Context) -> Outcome:
        """Make or correct the publication, and prove what it has."""
        from pg_cdc.decisions.native import names as native_names
        from pg_cdc.decisions.native.pglogical import is_pglogical
        from pg_cdc.decisions.native.publication import native_scope, publication_is_right
        from pg_cdc.facts.native.objects import read_publication
        from pg_cdc.facts.postgres import read_tables

        ends = self.ends(migration)
        require_turn(migration, context, ends.database)
        if is_pglogical(migration):
            return native_pglogical.publish(ends, migration)
        name = native_names.publication(migration)
        with ends.source.connect() as conn:
            tables = read_tables(conn)
            scope = native_scope(migration, tables)
            changes = self._publish(conn, migration, scope, tables)
            if not publication_is_right(read_publication(conn, name), scope, migration, slot_exists=False):
                raise NotProved(
                    found=f"publication {name} does not have the selected tables",
                    expected=f"{len(scope.published)} tables",
                    next=f"clear {self.task_id}",
                )
        return Outcome(changes=changes, facts={"publication": name, "tables": len(scope.published)})

    def _publish(
        self, conn: Connection[Any], migration: Migration, scope: Scope, tables: Sequence[Table]
    ) -> tuple[str, ...]:
        from pg_cdc.decisions.native import names as native_names
        from pg_cdc.decisions.native.publication import keyless, publication_is_right
        from pg_cdc.facts.native.objects import read_publication, read_slot
        from pg_cdc.hooks.control_tables import ensure_marker
        from pg_cdc.hooks.native import publication as write
        from pg_cdc.hooks.native.books import ensure_source_books
        from pg_cdc.hooks.patience import changing

        found = read_publication(conn, native_names.publication(migration))
        slot_exists = read_slot(conn, native_names.slot(migration)) is not None
        right = publication_is_right(found, scope, migration, slot_exists=slot_exists)
        without_key = keyless(scope, tables)
        _refuse_keyless(migration, without_key)
        with changing(conn):
            changes = ensure_source_books(conn)
            changes += ensure_marker(conn, migration.dms_role.name)
            changes += write.set_identities(conn, migration, without_key)
            if right:
                return changes
            change = write.create_publication if found is None else write.set_tables
            return (*changes, *change(conn, migration, scope.published))


class CopySchemaOperator(NativeStep):
    """Make the schemas, types and tables on the target, as they are on the source but for indexes and constraints."""

    def step(self, migration: Migration, context: Context) -> Outcome:
        """Copy what is missing; what was there before us is refused."""
        from pg_cdc.decisions.native.publication import native_scope
        from pg_cdc.facts.native.objects import read_copied_schema
        from pg_cdc.facts.postgres import read_tables

        ends = self.ends(migration)
        with ends.both() as (source, target):
            scope = native_scope(migration, read_tables(source))
            changes = self._prepare(target)
            made = read_copied_schema(target, migration.name)
            there = {(table.schema, table.name) for table in read_tables(target)}
            _refuse_foreign(scope, there - made)
            if not scope.made <= made & there:
                _refuse_partial(scope, made & there)
                changes += self._copy(ends, source, target, migration, scope)
        return Outcome(changes=changes, facts={"schemas": list(scope.schemas), "tables": len(scope.made)})

    def _prepare(self, target: Connection[Any]) -> tuple[str, ...]:
        """Make our own tables: the books, and the marker that streams like any table."""
        from pg_cdc.facts.postgres import ensure_control_schema
        from pg_cdc.facts.streaming import marker_state
        from pg_cdc.hooks.native.books import ensure_target_books
        from pg_cdc.hooks.patience import changing
        from pg_cdc.sql_files import read_sql

        with changing(target):
            changes = ensure_target_books(target)
            made, _ = marker_state(target, target.info.user)
            if made:
                return changes
            ensure_control_schema(target)
            target.execute(read_sql("source/create_marker.sql"))
            return (*changes, "created table pgcdc.marker on the target")

    def _copy(
        self, ends: Ends, source: Connection[Any], target: Connection[Any], migration: Migration, scope: Scope
    ) -> tuple[str, ...]:
        from pg_cdc.decisions.native import names as native_names
        from pg_cdc.decisions.versions import major_of
        from pg_cdc.hooks.native.schema_copy import dump_shape, run_shape

        major = major_of(source.info.server_version)
        text = dump_shape(ends.source, scope, major=major, application=native_names.loader(migration))
        run_shape(target, text, migration, scope.made)
        return (f"made {len(scope.made)} tables on the target, of schemas {', '.join(scope.schemas)}",)


class EnsureSubscriptionOperator(NativeStep):
    """Make the subscription, disabled, before its slot: a slot then has an owner from its first moment."""

    def step(self, migration: Migration, context: Context) -> Outcome:
        """Make it, which proves that the target reaches the source, or find it as wanted."""
        from pg_cdc.decisions.native import names as native_names
        from pg_cdc.decisions.native.pglogical import is_pglogical
        from pg_cdc.facts.native.objects import read_published, read_subscription
        from pg_cdc.hooks.native.subscription import create_subscription, subscription_conninfo
        from pg_cdc.hooks.postgres import dms_role_credentials

        ends = self.ends(migration)
        if is_pglogical(migration):
            return native_pglogical.subscribe(self, ends, migration)
        name = native_names.subscription(migration)
        changes: tuple[str, ...] = ()
        with ends.both() as (source, target):
            if read_subscription(target, name) is None:
                login = dms_role_credentials(migration, ends.database)
                conninfo = subscription_conninfo(migration, ends.database, login)
                changes = create_subscription(ends.target, migration, conninfo)
            found = read_subscription(target, name)
            published = len(read_published(source, native_names.publication(migration)))
        if found is None:
            raise NotProved(
                found=f"no subscription {name} on the target", expected="the one just made", next="clear this task"
            )
        _refuse_subscription(found, migration, published)
        return Outcome(changes=changes, facts={"subscription": name, "tables": found.tables, "enabled": found.enabled})


def _refuse_keyless(migration: Migration, tables: Sequence[Table]) -> None:
    if tables and migration.native.keyless_tables is KeylessTables.REFUSE:
        listed = ", ".join(f"{table.schema}.{table.name}" for table in tables)
        raise Differs(
            found=f"no key and no replica identity: {listed}",
            expected="a primary key or a replica identity: published without, their updates and deletes fail",
            next="give them one, exclude them, or set native.keyless_tables to identity-full",
        )


def _refuse_foreign(scope: Scope, foreign: set[tuple[str, str]]) -> None:
    from pg_cdc.decisions.native.world import written

    if clash := sorted(map(written, scope.made & foreign)):
        raise Differs(
            found=f"on the target, and not made by this migration: {', '.join(clash)}",
            expected="none of the selected tables: a load would mix with their rows",
            next="drop or rename them, or name another target.database; then clear copy_schema",
        )


def _refuse_partial(scope: Scope, there: frozenset[tuple[str, str]]) -> None:
    from pg_cdc.decisions.native.world import written

    if there & scope.made:
        missing = ", ".join(sorted(map(written, scope.made - there)))
        raise Differs(
            found=f"the target has some of the tables that this migration made, and lacks {missing}",
            expected="all of them, or none",
            next="drop the rest of them there, or put tables.rules back; then clear copy_schema",
        )


def _refuse_subscription(found: Subscription, migration: Migration, published: int) -> None:
    from pg_cdc.decisions.native import names as native_names

    name, comment = native_names.subscription(migration), native_names.comment(migration)
    if found.comment != comment:
        raise NotOurs(
            found=f"subscription {name} with the comment {found.comment!r}",
            expected=f"none, or one with the comment {comment!r}",
            next="drop it, or give the migration another name",
        )
    wanted = (native_names.slot(migration), (native_names.publication(migration),), published)
    if (found.slot_name, found.publications, found.tables) != wanted:
        raise Differs(
            found=f"subscription {name}: slot {found.slot_name}, {found.publications}, {found.tables} tables",
            expected=f"slot {wanted[0]}, publication {wanted[1][0]}, {published} tables",
            next="tear the migration down and run it again",
        )
