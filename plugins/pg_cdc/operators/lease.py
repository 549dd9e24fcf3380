"""One run at a time changes a cluster: take the lease, or wait for it; give it back at the end, whatever that is."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from pg_cdc.decisions.outcome import Outcome
from pg_cdc.operators.base import CdcOperator
from pg_cdc.operators.turn import owner_of

if TYPE_CHECKING:
    from airflow.sdk import Context

    from pg_cdc.config import Migration
    from pg_cdc.decisions.world import Database
    from pg_cdc.hooks.lease import LeaseBook

XCOM_KEY = "lease"


class TakeLeaseOperator(CdcOperator):
    """Wait for this run's turn on the source cluster, and take the lease."""

    def step(self, migration: Migration, context: Context) -> Outcome:
        """Take the lease, as often as another run is faster."""
        from pg_cdc.decisions.lease import is_held, lease_minutes
        from pg_cdc.facts.ends import read_source
        from pg_cdc.hooks.lease import DATABASE, LeaseBook
        from pg_cdc.hooks.postgres import connect_source

        database = read_source(migration)
        owner = owner_of(migration, context)
        # Before the lease is taken: a crash just after it must not keep release_lease from giving it back.
        if (ti := context.get("ti")) is not None:
            ti.xcom_push(key=XCOM_KEY, value=owner)
        changes: tuple[str, ...] = ()
        while True:
            with connect_source(migration, database, dbname=DATABASE) as conn:
                book = LeaseBook(conn, migration.source.identifier)
                if is_held(book.read(), owner):
                    return self._told(book, migration, changes)
                changes += book.ensure_table()
                if book.take(owner, lease_minutes(migration)):
                    return self._told(book, migration, (*changes, f"took the lease as {owner}"))
            self._wait_for_turn(migration, database, owner, context)

    def _told(self, book: LeaseBook, migration: Migration, changes: tuple[str, ...]) -> Outcome:
        from pg_cdc.decisions.lease import describe_lease

        return Outcome(changes=changes, facts={"lease": describe_lease(book.read(), migration.source.identifier)})

    def _wait_for_turn(self, migration: Migration, database: Database, owner: str, context: Context) -> None:
        from pg_cdc.hooks.postgres import source_credentials
        from pg_cdc.waits.lease import LeaseFree

        where = source_credentials(migration, database)
        wait = LeaseFree(migration=migration.model_dump(mode="json"), host=where.host, port=where.port, owner=owner)
        timeout = timedelta(minutes=migration.timeouts.lease_minutes)
        self.wait_for(wait, context, timeout=timeout, poll_seconds=migration.timeouts.poll_seconds)


class ReleaseLeaseOperator(CdcOperator):
    """Give the lease back, if this run took one. A lease that is gone already is no error.

    :param lease_task_id: the task that takes it; where it did not run, nothing is connected to.
    """

    def __init__(self, *, lease_task_id: str = "take_lease", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.lease_task_id = lease_task_id

    def step(self, migration: Migration, context: Context) -> Outcome:
        """Delete this run's lease."""
        from pg_cdc.decisions.lease import describe_lease
        from pg_cdc.facts.ends import read_source
        from pg_cdc.hooks.lease import DATABASE, LeaseBook
        from pg_cdc.hooks.postgres import connect_source

        ti = context.get("ti")
        if ti is not None and ti.xcom_pull(task_ids=self.lease_task_id, key=XCOM_KEY) is None:
            return Outcome(facts={"lease": "none was taken"})
        owner = owner_of(migration, context)
        with connect_source(migration, read_source(migration), dbname=DATABASE) as conn:
            book = LeaseBook(conn, migration.source.identifier)
            lease = book.read()
            if lease is None or lease.owner != owner or not book.release(owner):
                return Outcome(facts={"lease": f"not ours: {describe_lease(lease, migration.source.identifier)}"})
        return Outcome(changes=(f"released the lease of {owner}",), facts={"lease": "released"})
