"""Load every table from the snapshot, several at a time; what is loaded already is not loaded again."""

from __future__ import annotations

import threading
import time
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING, Any

from pg_cdc.decisions.outcome import Outcome
from pg_cdc.failures import NotYet
from pg_cdc.operators.native import pglogical as native_pglogical
from pg_cdc.operators.native.step import Ends, NativeStep

if TYPE_CHECKING:
    from airflow.sdk import Context

    from pg_cdc.config import Migration
    from pg_cdc.decisions.native.load import TableCopy
    from pg_cdc.decisions.native.world import LoadedTable, LoadFacts, Name, Snapshot
    from pg_cdc.hooks.native.copy_stream import CopyJob

SAY_SECONDS = 5.0
MOST_SNAPSHOTS = 10
"""A keeper that dies as often as this within one try is not bad luck: the next try, or a human, goes on."""


class SnapshotGone(Exception):
    """The snapshot ended while it was read from."""


class Stopped(Exception):
    """Another copy failed, or the task is to end."""


class LoadTablesOperator(NativeStep):
    """Copy the tables that are not there yet as of the snapshot, each in a transaction with the note that it is."""

    def step(self, migration: Migration, context: Context) -> Outcome:
        """Load, from the next snapshot when one ends early, until nothing is left."""
        from pg_cdc.decisions.native.pglogical import is_pglogical

        ends = self.ends(migration)
        if is_pglogical(migration):
            return native_pglogical.load(self, ends, migration, context)
        changes: tuple[str, ...] = ()
        warnings: tuple[str, ...] = ()
        for _ in range(MOST_SNAPSHOTS):
            facts = self._facts(ends, migration)
            if facts.snapshot is not None and facts.snapshot.loaded:
                return Outcome(changes=changes, facts=_told(facts), warnings=warnings)
            if facts.snapshot is None or not facts.snapshot.keeper_alive:
                self._wait_for_snapshot(ends, migration, context)
                continue
            try:
                changes += self._load(ends, migration, facts, facts.snapshot)
            except SnapshotGone as gone:
                warnings += (f"snapshot {facts.snapshot.snapshot_name} ended during the load: it begins anew",)
                self.log.warning("%s: %s", warnings[-1], gone)
        raise NotYet(f"{MOST_SNAPSHOTS} snapshots ended before the load did")

    def _facts(self, ends: Ends, migration: Migration) -> LoadFacts:
        from pg_cdc.facts.native.objects import read_load

        with ends.both() as (source, target):
            return read_load(source, target, migration)

    def _wait_for_snapshot(self, ends: Ends, migration: Migration, context: Context) -> None:
        from pg_cdc.operators.source.step import as_json
        from pg_cdc.waits.native import SnapshotHeld

        held = SnapshotHeld(migration=as_json(migration), **ends.address())
        self.wait_minutes(held, context, migration, migration.timeouts.full_load_minutes)

    def _load(self, ends: Ends, migration: Migration, facts: LoadFacts, snapshot: Snapshot) -> tuple[str, ...]:
        from pg_cdc.decisions.native.load import remaining
        from pg_cdc.hooks.native.books import note_loaded
        from pg_cdc.hooks.native.unhurried import flush

        copies = remaining(facts)
        kept = len(facts.published) - len(copies)
        self.log.info("%d tables to load, %d loaded already", len(copies), kept)
        loaded = Loading(self, ends, migration, snapshot, facts).run(copies) if copies else ()
        with ends.target.connect() as conn:
            flush(conn)
        with ends.source.connect() as conn:
            if not note_loaded(conn, migration, snapshot.consistent_point):
                raise SnapshotGone("another snapshot was recorded in its place")
        rows, kept_too = sum(table.rows for table in loaded), f", {kept} were loaded already" if kept else ""
        return (f"loaded {len(loaded)} tables, {rows} rows, as of {snapshot.consistent_point}{kept_too}",)


class Loading:
    """One pass over the tables that are left, and its progress."""

    def __init__(
        self, step: LoadTablesOperator, ends: Ends, migration: Migration, snapshot: Snapshot, facts: LoadFacts
    ) -> None:
        from pg_cdc.decisions.native.load import streams
        from pg_cdc.hooks.native.client_programs import find_program

        self.psql = find_program("psql", at_least=13)
        self.step, self.ends, self.migration, self.snapshot = step, ends, migration, snapshot
        self.streams = streams(migration.native.streams, *ends.classes())
        done = [table for table in facts.loaded.values() if table.consistent_point == snapshot.consistent_point]
        self.tables = len(facts.published)
        self.total = sum(table.bytes for table in facts.published)
        self.bytes_before = sum(table.bytes for table in done)
        self.bytes = 0
        self.done = len(done)
        self.began = time.monotonic()
        self.now: dict[Name, int] = {}
        self.stopped = False
        self._lock = threading.Lock()

    def run(self, copies: tuple[TableCopy, ...]) -> tuple[LoadedTable, ...]:
        """Copy all; the first failure ends the rest. :raises SnapshotGone: that was why."""
        self.step.log.info("%d at a time, of %d bytes", self.streams, self.total)
        with ThreadPoolExecutor(max_workers=self.streams, thread_name_prefix="copy") as pool:
            futures = [pool.submit(self._copy, table) for table in copies]
            try:
                return self._watch(futures)
            except BaseException as err:
                self.stopped = True
                for future in futures:
                    future.cancel()
                if isinstance(err, Exception) and self._is_gone():
                    raise SnapshotGone(str(err)) from err
                raise

    def _watch(self, futures: list[Future[LoadedTable]]) -> tuple[LoadedTable, ...]:
        pending = set(futures)
        while pending:
            over, pending = wait(pending, timeout=SAY_SECONDS, return_when=FIRST_COMPLETED)
            for future in over:
                self._say_loaded(future.result())
            if not over:
                self.step.log.info("%s", self.progress(ask=True))
        return tuple(future.result() for future in futures)

    def _say_loaded(self, table: LoadedTable) -> None:
        self.done += 1
        told = f"{'.'.join(table.name)}: {table.rows} rows, {table.bytes} bytes, {table.seconds} s"
        self.step.log.info("Loaded %s; %s", told, self.progress(ask=False))

    def progress(self, *, ask: bool) -> str:
        """Return how far it is, in a line. ``ask``: with the rows that the target's pg_stat_progress_copy has."""
        from pg_cdc.decisions.native.load import Progress, told
        from pg_cdc.facts.native.copy_progress import read_copied_rows

        with self._lock:
            sessions = dict(self.now)
        rows = read_copied_rows(self.ends.target, sessions) if ask else dict.fromkeys(sessions)
        now = tuple(
            f"{'.'.join(name)} {'' if count is None else f'{count} rows'}".strip() for name, count in rows.items()
        )
        return told(
            Progress(
                done=self.done,
                tables=self.tables,
                bytes=self.bytes_before + self.bytes,
                total=self.total,
                seconds=time.monotonic() - self.began,
                now=now,
            )
        )

    def _copy(self, table: TableCopy) -> LoadedTable:
        from pg_cdc.hooks.native.copy_stream import copy_table

        self.step.log.info("Copying %s (%s)", ".".join(table.name), "binary" if table.binary else "text")
        with self.ends.target.connect() as target:
            with self._lock:
                self.now[table.name] = target.info.backend_pid
            try:
                return copy_table(self._job(), target, table)
            finally:
                with self._lock:
                    self.now.pop(table.name, None)

    def _job(self) -> CopyJob:
        from pg_cdc.decisions.native import names as native_names
        from pg_cdc.hooks.native.copy_stream import CopyJob

        return CopyJob(
            migration=self.migration.name,
            source=self.ends.source,
            psql=self.psql,
            snapshot=self.snapshot,
            application=native_names.loader(self.migration),
            on_bytes=self._count,
        )

    def _count(self, number: int) -> None:
        if self.stopped:
            raise Stopped
        with self._lock:
            self.bytes += number

    def _is_gone(self) -> bool:
        from pg_cdc.facts.native.objects import read_snapshot

        with self.ends.source.connect() as conn:
            found: Any = read_snapshot(conn, self.migration)
        return found is None or not found.keeper_alive or found.consistent_point != self.snapshot.consistent_point


def _told(facts: LoadFacts) -> dict[str, Any]:
    loaded = facts.loaded.values()
    return {
        "tables": len(loaded),
        "rows": sum(table.rows for table in loaded),
        "bytes": sum(table.bytes for table in loaded),
        "consistent_point": facts.snapshot.consistent_point if facts.snapshot else None,
    }
