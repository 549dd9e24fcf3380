"""One run of a replication task: a thread that loads, then captures, and says how it ended."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import psycopg

from sandbox.dms import durations
from sandbox.dms.engine import slots
from sandbox.dms.engine.changes import lsn
from sandbox.dms.engine.clock import now
from sandbox.dms.engine.failures import Interrupted, is_recoverable, text_of
from sandbox.dms.engine.full_load import FullLoad
from sandbox.dms.engine.job import Finished, Job, LookAgain
from sandbox.dms.engine.lake_load import LakeLoad
from sandbox.dms.engine.lake_target import LakeTarget
from sandbox.dms.engine.opening import drop_old_slot, later_snapshot, open_task
from sandbox.dms.engine.progress import Progress
from sandbox.dms.engine.selection import Selection
from sandbox.dms.engine.source import read_selected
from sandbox.dms.engine.streaming import Streaming
from sandbox.dms.engine.tables import Tables

END_OF_WAL = """
select case when pg_catalog.pg_is_in_recovery() then pg_catalog.pg_last_wal_replay_lsn()
  else pg_catalog.pg_current_wal_lsn() end::text
"""


class TaskRun(threading.Thread):
    """Runs a job. ``running``: called when it begins to work. ``ended``: called with (status, reason)."""

    def __init__(
        self, job: Job, progress: Progress, running: Callable[[], None], ended: Callable[[str, str], None]
    ) -> None:
        super().__init__(name=f"dms-task-{job.name[:8]}", daemon=True)
        self._job = job
        self._progress = progress
        self._tables = Tables(progress)
        self._running = running
        self._ended = ended
        self._stop_asked = threading.Event()
        self._look = threading.Event()
        self._opened = not job.fresh
        self._cached_until: int | None = None

    def stop(self) -> None:
        """Ask the run to end; the slot stays."""
        self._stop_asked.set()

    def reload(self) -> None:
        """Ask the run to look at the tables' states again."""
        self._look.set()

    def run(self) -> None:
        """Work until told to stop, finished, or failed."""
        try:
            self._wait(durations.TASK_STARTING * self._job.pace)
            self._work()
        except Interrupted:
            self._end("stopped", "NORMAL")
        except Finished as finished:
            self._end("stopped", str(finished))
        except Exception as error:
            if not self._opened:
                with suppress(psycopg.Error):
                    drop_old_slot(self._job.source, self._progress)
            self._end("failed", text_of(error))

    def _end(self, status: str, reason: str) -> None:
        self._job.log(f"{status}: {reason}")
        self._ended(status, reason)

    def _wait(self, seconds: float) -> None:
        if self._stop_asked.wait(seconds):
            raise Interrupted

    def _work(self) -> None:
        """Try again, ever more slowly, as long as what goes wrong is a server that may come back."""
        delay = first = durations.RETRY_FIRST * self._job.pace
        while True:
            before = self._progress.position
            try:
                with self._job.source.psycopg() as source:
                    self._attempt(source)
            except LookAgain:
                continue
            except Exception as error:
                if not is_recoverable(error):
                    raise
                self._job.log(f"recoverable error: {text_of(error)}")
                delay = first if self._progress.position != before else delay
                self._wait(delay)
                delay = min(delay * 2, durations.RETRY_MAX * self._job.pace)

    def _attempt(self, source: psycopg.Connection[Any]) -> None:
        job, snapshot = self._job, None
        if not self._opened:
            snapshot = open_task(job, self._progress, self._tables, source, self._stop_asked)
            self._opened = True
        else:
            self._tables.recall(read_selected(source, Selection(job.rules)))
        self._running()
        self._look.clear()
        fresh_load = self._progress.load_finish is None
        self._load(snapshot)
        if not job.captures:
            raise Finished("FULL_LOAD_ONLY_FINISHED")
        if job.loads and fresh_load:
            self._stop_after_load(source)
        Streaming(
            job, self._progress, self._tables, stop=self._stop_asked, look=self._look, until=self._cached_until
        ).run()

    def _load(self, snapshot: slots.Snapshot | None) -> None:
        """Load what is not loaded, from the first snapshot or from a later one."""
        job, progress = self._job, self._progress
        wanted = self._tables.unfinished() if job.loads else []
        progress.load_start = progress.load_start or now()
        try:
            if wanted:
                snapshot = snapshot or later_snapshot(job, self._stop_asked)
                load = LakeLoad if isinstance(job.target, LakeTarget) else FullLoad
                started = progress.start or progress.load_start
                load(job, snapshot, self._stop_asked, started=started).run(wanted, self._tables.told)
        finally:
            if snapshot:
                snapshot.close()
        progress.load_finish = progress.load_finish or now()

    def _stop_after_load(self, source: psycopg.Connection[Any]) -> None:
        settings = self._job.settings["FullLoadSettings"]
        if settings["StopTaskCachedChangesNotApplied"]:
            raise Finished("STOPPED_AFTER_FULL_LOAD")
        if settings["StopTaskCachedChangesApplied"]:
            row = source.execute(END_OF_WAL).fetchone()
            self._cached_until = lsn(row[0]) if row else None
