"""The second half of a task: changes, commands and the heartbeat, until something ends it."""

from __future__ import annotations

import threading
from typing import Any

import psycopg

from sandbox.dms.engine.apply import Applier
from sandbox.dms.engine.capture import Capture, plain_lsn
from sandbox.dms.engine.changes import Row
from sandbox.dms.engine.ddl import AUDIT, Ddl, DdlReader
from sandbox.dms.engine.failures import Interrupted
from sandbox.dms.engine.heartbeat import Heartbeat
from sandbox.dms.engine.job import Finished, Job, LookAgain
from sandbox.dms.engine.lake_apply import LakeApplier
from sandbox.dms.engine.lake_target import LakeTarget
from sandbox.dms.engine.progress import Progress
from sandbox.dms.engine.selection import Selection
from sandbox.dms.engine.source import find_selected
from sandbox.dms.engine.tables import Tables

VISIBLE = "select pg_catalog.pg_visible_in_snapshot(%s::pg_catalog.xid8, pg_catalog.pg_current_snapshot())"
VISIBLE_SECONDS = 0.01


class Streaming:
    """``until``: the LSN at which to stop by itself, if any."""

    def __init__(
        self,
        job: Job,
        progress: Progress,
        tables: Tables,
        *,
        stop: threading.Event,
        look: threading.Event,
        until: int | None,
    ) -> None:
        self._job = job
        self._progress = progress
        self._tables = tables
        self._stop = stop
        self._look = look
        self._until = until
        self._heartbeat: Heartbeat | None = None

    def run(self) -> None:
        """Stream; ends only by an exception."""
        job = self._job
        kind = LakeApplier if isinstance(job.target, LakeTarget) else Applier
        applier = kind(job, self._tables.known, self._tables.told)
        try:
            self._heartbeat = Heartbeat.of(job)
            with job.source.psycopg() as catalog:
                self._stream(applier, catalog)
        finally:
            applier.close()
            if self._heartbeat:
                self._heartbeat.close()

    def _stream(self, applier: Applier | LakeApplier, catalog: psycopg.Connection[Any]) -> None:
        job = self._job
        selection = Selection(job.rules)
        reader = DdlReader(
            lambda name: find_selected(catalog, selection, name), job.settings["ChangeProcessingDdlHandlingPolicy"]
        )
        capture = Capture(
            job.source,
            applier,
            self._progress,
            audit=(job.artifacts_schema, AUDIT) if job.source_settings.get("CaptureDdls", True) else None,
            on_ddl=lambda row: self._commands(catalog, reader, row),
            pause=self._pause,
        )
        try:
            # The target's own mark wins: it was written together with the changes.
            capture.start(applier.position() or plain_lsn(job.start_position))
            capture.run()
        finally:
            capture.close()

    def _pause(self, position: int) -> None:
        if self._stop.is_set():
            raise Interrupted
        if self._look.is_set():
            raise LookAgain
        if self._until is not None and position >= self._until:
            raise Finished("STOPPED_AFTER_CACHED_EVENTS")
        if self._heartbeat:
            self._heartbeat.beat()

    def _commands(self, catalog: psycopg.Connection[Any], reader: DdlReader, row: Row | None) -> list[Ddl]:
        """Return what an audit row stands for; None begins a transaction."""
        if row is None:
            reader.begin()
            return []
        self._await_commit(catalog, row.get("c_txn"))
        admitted = [self._tables.admit(catalog, ddl) for ddl in reader.read(row)]
        if any(load for _, load in admitted):
            self._look.set()
        return [ddl for ddl, _ in admitted]

    def _await_commit(self, catalog: psycopg.Connection[Any], transaction: object) -> None:
        """Wait until other sessions see ``transaction``: a commit is in the WAL, and decoded, before it is visible."""
        if not str(transaction).isdecimal():
            return
        while catalog.execute(VISIBLE, (str(transaction),)).fetchone() != (True,):
            if self._stop.wait(VISIBLE_SECONDS):
                raise Interrupted
