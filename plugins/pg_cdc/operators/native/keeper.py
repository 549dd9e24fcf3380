"""Hold the snapshot that the load reads, in a task of its own: a killed loader finds it still there."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from pg_cdc.decisions.outcome import Outcome
from pg_cdc.failures import NotYet, WaitedTooLong
from pg_cdc.operators.native.step import Ends, NativeStep

if TYPE_CHECKING:
    from airflow.sdk import Context

    from pg_cdc.config import Migration
    from pg_cdc.decisions.native.keeper import Keeping
    from pg_cdc.decisions.native.world import Snapshot
    from pg_cdc.hooks.native.snapshot import Held

LOOK_SECONDS = 1.0
SAY_SECONDS = 10.0
UNREAD_MINUTES = 30
"""A snapshot that nobody reads holds back VACUUM and WAL: a load that failed for good must not leave one for ever."""


class KeepSnapshotOperator(NativeStep):
    """Make the slot, hold its snapshot until every table is loaded, and leave no slot behind when that fails.

    It keeps a worker's slot for as long as the load takes: the snapshot is a connection, and dies with its process.
    """

    def step(self, migration: Migration, context: Context) -> Outcome:
        """Make, watch or leave alone."""
        from pg_cdc.decisions.native.keeper import Action
        from pg_cdc.decisions.native.pglogical import is_pglogical

        if is_pglogical(migration):
            return Outcome(facts={"slot": "pglogical makes its own, and holds its snapshot itself"})
        ends = self.ends(migration)
        keeping = self._decide(ends, migration)
        self.log.info("%s", keeping.why)
        if keeping.action is Action.NOTHING:
            return Outcome(facts=self._facts(ends, migration))
        if keeping.action is Action.WATCH:
            self._watch(ends, migration)
            return Outcome(facts=self._facts(ends, migration))
        changes = self._drop(ends, migration) if keeping.action is Action.MAKE_ANEW else ()
        warnings = (keeping.why,) if keeping.action is Action.MAKE_ANEW else ()
        changes += self._keep(ends, migration)
        return Outcome(changes=changes, facts=self._facts(ends, migration), warnings=warnings)

    def _decide(self, ends: Ends, migration: Migration) -> Keeping:
        from pg_cdc.decisions.native import names as native_names
        from pg_cdc.decisions.native.keeper import next_keeping
        from pg_cdc.facts.native.objects import read_slot, read_snapshot
        from pg_cdc.hooks.native.books import owns_slot

        name = native_names.slot(migration)
        with ends.source.connect() as conn:
            owned = owns_slot(conn, migration)
            return next_keeping(read_snapshot(conn, migration), read_slot(conn, name), name=name, owned=owned)

    def _drop(self, ends: Ends, migration: Migration) -> tuple[str, ...]:
        from pg_cdc.decisions.native import names as native_names
        from pg_cdc.hooks.native.snapshot import drop_slot

        with ends.source.connect() as conn:
            return drop_slot(conn, native_names.slot(migration))

    def _keep(self, ends: Ends, migration: Migration) -> tuple[str, ...]:
        from pg_cdc.decisions.native import names as native_names
        from pg_cdc.hooks.native.books import ensure_source_books, record_owner, record_snapshot

        slot = native_names.slot(migration)
        with ends.source.connect() as conn:
            changes = (*ensure_source_books(conn), *record_owner(conn, migration))
        with self._holding(ends, migration) as held:
            with ends.source.connect() as conn:
                record_snapshot(
                    conn,
                    migration,
                    consistent_point=held.consistent_point,
                    snapshot_name=held.snapshot_name,
                    keeper_pid=held.pid,
                )
            self.log.info("Slot %s at %s; snapshot %s", slot, held.consistent_point, held.snapshot_name)
            self._watch(ends, migration)
        return (*changes, f"made slot {slot} at {held.consistent_point}")

    @contextmanager
    def _holding(self, ends: Ends, migration: Migration) -> Iterator[Held]:
        """Hold a new slot's snapshot; whatever ends this before the load does takes the slot with it."""
        from pg_cdc.decisions.native import names as native_names
        from pg_cdc.hooks.native.snapshot import holding
        from pg_cdc.hooks.postgres import dms_role_credentials

        login = dms_role_credentials(migration, ends.database)
        slot, application = native_names.slot(migration), native_names.keeper(migration)
        try:
            with (
                self._saying_what_it_waits_for(ends, migration) as made,
                holding(login, slot, application=application) as held,
            ):
                made.set()
                yield held
        except BaseException as cause:
            self._drop_unless_loaded(cause, ends, migration)
            raise

    def _drop_unless_loaded(self, cause: BaseException, ends: Ends, migration: Migration) -> None:
        """Drop the slot of a load that ended early. One that may be of a finished load has its changes, and stays.

        What goes wrong with that is told beside ``cause``, and does not hide it.
        """
        from pg_cdc.decisions.native import names as native_names

        try:
            snapshot = self._snapshot(ends, migration)
            if snapshot is None or not snapshot.loaded:
                self.log.warning("The load was not finished: %s", "; ".join(self._drop(ends, migration)))
        except Exception as err:
            told = f"slot {native_names.slot(migration)} may be left, and holds back WAL until it is dropped: {err}"
            self.log.error("%s", told)
            cause.add_note(f"{told}. Clear {self.task_id}, which drops it and begins anew, or run pg_cdc_teardown.")

    @contextmanager
    def _saying_what_it_waits_for(self, ends: Ends, migration: Migration) -> Iterator[threading.Event]:
        """Say which transactions a slot waits for, until the event is set: nothing else tells why it takes so long."""
        from pg_cdc.facts.native.objects import read_slot_waits

        made = threading.Event()

        def say() -> None:
            while not made.wait(SAY_SECONDS):
                with suppress(Exception), ends.source.connect() as conn:
                    waits = read_slot_waits(conn, migration)
                    self.log.info("The slot waits for transactions that began before it: %s", "; ".join(waits))

        talker = threading.Thread(target=say, name="slot-waits", daemon=True)
        talker.start()
        try:
            yield made
        finally:
            made.set()
            talker.join()

    def _watch(self, ends: Ends, migration: Migration) -> None:
        """Return once every table is loaded. A look that fails is repeated: the snapshot is on another connection."""
        begun = unread_since = time.monotonic()
        while True:
            snapshot, loaders = self._look(ends, migration)
            now = time.monotonic()
            if snapshot is not None and snapshot.loaded:
                return
            if snapshot is not None and not snapshot.keeper_alive:
                raise NotYet("the session that held the snapshot has ended; the load begins anew")
            if loaders or snapshot is None:
                unread_since = now
            self._refuse_late(migration, now - begun, now - unread_since)
            time.sleep(LOOK_SECONDS)

    def _look(self, ends: Ends, migration: Migration) -> tuple[Snapshot | None, int]:
        from pg_cdc.facts.native.objects import count_loaders, read_snapshot

        try:
            with ends.source.connect() as conn:
                return read_snapshot(conn, migration), count_loaders(conn, migration)
        except NotYet as err:
            self.log.warning("Could not look: %s", err)
            return None, 0

    def _refuse_late(self, migration: Migration, seconds: float, unread_seconds: float) -> None:
        minutes = migration.timeouts.full_load_minutes
        if seconds < minutes * 60 and unread_seconds < UNREAD_MINUTES * 60:
            return
        late = seconds >= minutes * 60
        raise WaitedTooLong(
            found=f"the load is not finished after {minutes} minutes" if late else "nobody has read from the snapshot",
            expected="the end of the load" if late else f"a loader at least every {UNREAD_MINUTES} minutes",
            next=f"see load_tables; then clear it and {self.task_id}: the load begins anew",
        )

    def _snapshot(self, ends: Ends, migration: Migration) -> Snapshot | None:
        from pg_cdc.facts.native.objects import read_snapshot

        with ends.source.connect() as conn:
            return read_snapshot(conn, migration)

    def _facts(self, ends: Ends, migration: Migration) -> dict[str, Any]:
        snapshot = self._snapshot(ends, migration)
        if snapshot is None:
            return {}
        return {"slot": snapshot.slot_name, "consistent_point": snapshot.consistent_point, "loads": snapshot.loads}
