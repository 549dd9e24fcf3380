"""Take a migration off its source and target: each step removes one part, as far as nobody else needs it.

An end that cannot be reached is no failure here: the step says so, the rest of the teardown goes on, and the report at
its end fails.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from pg_cdc.decisions.outcome import Outcome
from pg_cdc.failures import NotProved, WaitedTooLong
from pg_cdc.operators.base import CdcOperator
from pg_cdc.operators.turn import owner_of, require_turn

if TYPE_CHECKING:
    from airflow.sdk import Context
    from psycopg import Connection

    from pg_cdc.config import Migration
    from pg_cdc.config.teardown import Teardown
    from pg_cdc.decisions.teardown.sql import Item
    from pg_cdc.facts.teardown.residue_ends import SourceEnd
    from pg_cdc.hooks.postgres import Credentials

RELEASE_MINUTES = 10
"""How long a slot of ours may still be read: its task is stopped or deleted by now."""


class SourcePartOperator(CdcOperator):
    """A step that removes one part of what a migration made on the source."""

    part: ClassVar[str]

    def step(self, migration: Migration, context: Context) -> Outcome:
        """Remove what is ours and needed by nobody, and prove that it is gone."""
        from pg_cdc.decisions.teardown.sql import going
        from pg_cdc.facts.teardown.residue_ends import open_source

        with open_source(migration) as end:
            if end.why:
                return _not_reached("source", end.why)
            items = self.items(end, migration, context)
            changes: tuple[str, ...] = ()
            if going(items, self.part):
                require_turn(migration, context, end.database)
                changes = self.remove(end, migration, context)
                items = self.items(end, migration, context)
        self.prove(items)
        return _outcome(items, self.part, changes)

    def items(self, end: SourceEnd, migration: Migration, context: Context) -> tuple[Item, ...]:
        """Read all that is on the source."""
        from pg_cdc.facts.teardown.residue_sql import read_source_items

        teardown = _teardown(context)
        return read_source_items(end, migration, teardown, run=owner_of(migration, context), at_work=True)

    def remove(self, end: SourceEnd, migration: Migration, context: Context) -> tuple[str, ...]:
        """Remove the part in one transaction, by what is there once it has begun."""
        from pg_cdc.decisions.teardown.sql import going
        from pg_cdc.hooks.teardown_sql import remove, removing

        conn = _inside(end)
        with removing(conn):
            found = going(self.items(end, migration, context), self.part)
            return tuple(remove(conn, migration, item) for item in found)

    def prove(self, items: tuple[Item, ...]) -> None:
        """Refuse to believe a removal that a second look does not show."""
        _prove(items, self.part, self.task_id)


class DropSlotOperator(SourcePartOperator):
    """Drop the migration's replication slots that DMS has not dropped. One that is read now is waited for.

    :param release_minutes: how long.
    """

    part = "slot"

    def __init__(self, *, release_minutes: float = RELEASE_MINUTES, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.release_minutes = release_minutes

    def step(self, migration: Migration, context: Context) -> Outcome:
        """Wait until nobody reads them, then drop them."""
        from pg_cdc.facts.teardown.residue_ends import open_source
        from pg_cdc.facts.teardown.residue_source import read_source_state
        from pg_cdc.hooks.postgres import source_credentials

        with open_source(migration) as end:
            if end.why:
                return _not_reached("source", end.why)
            assert end.database is not None
            state = read_source_state(end, migration)
            login = source_credentials(migration, end.database)
        if active := [slot.name for slot in state.slots if slot.active and state.is_ours(slot)]:
            self._wait_until_released(migration, context, login, active)
        return super().step(migration, context)

    def remove(self, end: SourceEnd, migration: Migration, context: Context) -> tuple[str, ...]:
        """Drop each in a statement of its own: dropping a slot cannot be rolled back."""
        from pg_cdc.facts.ends import read_reader
        from pg_cdc.facts.replica import connect_replica
        from pg_cdc.facts.teardown.residue_source import read_source_state
        from pg_cdc.hooks.teardown_sql import drop_slot

        state = read_source_state(end, migration)
        changes = [drop_slot(_inside(end), migration, slot) for slot in state.slots if state.is_ours(slot)]
        if there := [slot for slot in state.replica_slots if state.is_ours(slot)]:
            with connect_replica(migration, read_reader(migration)) as replica:
                changes += [drop_slot(replica, migration, slot) for slot in there]
        return tuple(change for change in changes if change)

    def _wait_until_released(
        self, migration: Migration, context: Context, login: Credentials, slots: list[str]
    ) -> None:
        from pg_cdc.waits.teardown import SlotsReleased

        spec = migration.model_dump(mode="json")
        wait = SlotsReleased(migration=spec, host=login.host, port=login.port, slots=slots)
        timeout = timedelta(minutes=self.release_minutes)
        try:
            self.wait_for(wait, context, timeout=timeout, poll_seconds=migration.timeouts.poll_seconds)
        except WaitedTooLong as err:
            raise WaitedTooLong(
                found=err.found,
                expected="a slot that nobody reads: its task is stopped or deleted",
                next="stop what reads it, or end that process with pg_terminate_backend; then clear this task",
            ) from err


class RemoveDdlAuditOperator(SourcePartOperator):
    """Remove event trigger, function, audit table, heartbeat and their schema, in this order."""

    part = "ddl_audit"


class RemovePglogicalOperator(SourcePartOperator):
    """Remove pglogical from the database if we made it; else only the replication sets of our slots."""

    part = "pglogical"


class DropDmsRoleOperator(SourcePartOperator):
    """Remove the DMS role if we made it and it owns nothing of anybody else's."""

    part = "dms_role"


class RemoveControlSchemaOperator(SourcePartOperator):
    """Remove what the migration remembered on the source; the schemas too, once nobody needs them. Last of all.

    The lease goes with its table, so that nothing is left to give back.
    """

    part = "control_schema"

    def remove(self, end: SourceEnd, migration: Migration, context: Context) -> tuple[str, ...]:
        """Remove in each of the two databases what goes from there, database postgres last."""
        from pg_cdc.decisions.teardown.control import BOOKS_DATABASE

        if migration.source.database == BOOKS_DATABASE:
            return super().remove(end, migration, context)
        places = [(conn, books) for conn, books in ((end.conn, False), (end.books, True)) if conn is not None]
        changes = [self._remove_in(conn, end, migration, context, books=books) for conn, books in places]
        return tuple(change for made in changes for change in made)

    def _remove_in(
        self, conn: Connection, end: SourceEnd, migration: Migration, context: Context, *, books: bool
    ) -> tuple[str, ...]:
        from pg_cdc.decisions.teardown.control import BOOKS_DATABASE
        from pg_cdc.decisions.teardown.sql import going
        from pg_cdc.hooks.teardown_sql import remove, removing

        with removing(conn):
            items = going(self.items(end, migration, context), self.part)
            mine = [item for item in items if (item.argument == BOOKS_DATABASE) == books]
            return tuple(remove(conn, migration, item) for item in mine)


class RemoveTargetTablesOperator(CdcOperator):
    """Remove the marker and the tables that DMS keeps for itself from the target. Replicated tables stay.

    Of a bucket the migration's own folder is removed, and only if the form asks for it.
    """

    part: ClassVar[str] = "target_control_tables"

    def step(self, migration: Migration, context: Context) -> Outcome:
        """Remove what is ours and needed by nobody, and prove that it is gone."""
        from pg_cdc.decisions.teardown.sql import going
        from pg_cdc.facts.teardown.residue_ends import open_target
        from pg_cdc.facts.teardown.residue_sql import read_target_items
        from pg_cdc.hooks.teardown_sql import remove, removing

        teardown = _teardown(context)
        if migration.lake.bucket:
            return self._remove_files(migration, teardown)
        with open_target(migration) as end:
            if end.why:
                return _not_reached("target", end.why)
            items = read_target_items(end, migration, teardown)
            changes: tuple[str, ...] = ()
            if end.conn is not None and going(items, self.part):
                with removing(end.conn):
                    found = going(read_target_items(end, migration, teardown), self.part)
                    changes = tuple(remove(end.conn, migration, item) for item in found)
                items = read_target_items(end, migration, teardown)
        _prove(items, self.part, self.task_id)
        return _outcome(items, self.part, changes)

    def _remove_files(self, migration: Migration, teardown: Teardown) -> Outcome:
        from botocore.exceptions import BotoCoreError, ClientError

        from pg_cdc.facts.teardown.residue_lake import read_lake_item
        from pg_cdc.hooks.lake_folder import remove_files

        try:
            items = (read_lake_item(migration, teardown),)
        except (BotoCoreError, ClientError) as err:
            return _not_reached("bucket", str(err))
        changes: tuple[str, ...] = ()
        if items[0].goes:
            changes = remove_files(migration)
            items = (read_lake_item(migration, teardown),)
        _prove(items, self.part, self.task_id)
        return _outcome(items, self.part, changes)


def _teardown(context: Context) -> Teardown:
    from pg_cdc.config.teardown import teardown_from_params

    return teardown_from_params(context["params"])


def _inside(end: SourceEnd) -> Connection:
    """Return the connection to the migration's database, or to database postgres when that is gone."""
    conn = end.conn or end.books
    assert conn is not None
    return conn


def _not_reached(end: str, why: str) -> Outcome:
    told = f"could not reach the {end}, so nothing was removed there: {why}"
    return Outcome(facts={"reached": False}, warnings=(told,))


def _outcome(items: tuple[Item, ...], part: str, changes: tuple[str, ...]) -> Outcome:
    from pg_cdc.decisions.teardown.residue import judge_all
    from pg_cdc.decisions.teardown.sql import blocked

    lines = judge_all(item.trace for item in items if item.part == part)
    told = [f"{line.kind} {line.name}: {line.fate.value}{f' ({line.why})' if line.why else ''}" for line in lines]
    return Outcome(changes=changes, facts={"reached": True, "found": told}, warnings=blocked(items, part))


def _prove(items: tuple[Item, ...], part: str, task_id: str) -> None:
    from pg_cdc.decisions.teardown.sql import going

    if left := going(items, part):
        raise NotProved(
            found=", ".join(f"{item.trace.kind} {item.trace.name}" for item in left),
            expected="gone, after it was removed",
            next=f"run by hand: {left[0].trace.command}; then clear {task_id}",
        )
