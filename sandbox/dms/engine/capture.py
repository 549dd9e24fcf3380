"""Change capture: read the slot, gather whole transactions, apply them, and only then confirm them."""

from __future__ import annotations

import select
import time
from collections.abc import Callable
from typing import Any

from sandbox.dms.engine import decoding_pglogical, decoding_test
from sandbox.dms.engine.apply import Applier, Transaction
from sandbox.dms.engine.changes import Begin, Change, Commit, Kind, Row, lsn, lsn_text
from sandbox.dms.engine.ddl import Ddl
from sandbox.dms.engine.lake_apply import LakeApplier
from sandbox.dms.engine.progress import Progress, TableName
from sandbox.dms.engine.servers import Address

# One target transaction takes what has arrived, but not more than this, so that the lag stays short.
MOST_CHANGES = 5000
IDLE_SECONDS = 0.05
CONFIRM_SECONDS = 0.25


class Capture:
    """The stream of one slot. ``on_ddl``: makes commands of an audit row. ``pause``: raises to end the stream."""

    def __init__(
        self,
        source: Address,
        applier: Applier | LakeApplier,
        progress: Progress,
        *,
        audit: TableName | None,
        on_ddl: Callable[[Row | None], list[Ddl]],
        pause: Callable[[int], None],
    ) -> None:
        self._applier = applier
        self._progress = progress
        self._audit = audit
        self._on_ddl = on_ddl
        self._pause = pause
        self._batch: list[Transaction] = []
        self._open: Transaction | None = None
        self._changes = 0
        self._taken: int | None = None
        self._confirmed = 0
        self._confirmed_at = 0.0
        self._connection = source.replication()
        self._cursor = self._connection.cursor()

    def start(self, start: str | None) -> None:
        """Ask for the stream from ``start``, or from what the slot has confirmed."""
        slot, pglogical = self._progress.slot or "", self._progress.plugin == "pglogical_output"
        self._decoder: Any = decoding_pglogical.Decoder() if pglogical else decoding_test.Decoder()
        self._cursor.start_replication(
            slot_name=slot,
            decode=False,
            start_lsn=start or 0,
            options=decoding_pglogical.options(slot) if pglogical else decoding_test.options(),
        )

    def close(self) -> None:
        """Let go of the slot."""
        self._cursor.close()
        self._connection.close()

    def run(self) -> None:
        """Stream until ``pause`` raises."""
        while True:
            message = self._cursor.read_message()
            if message is not None:
                self._take(self._decoder.decode(message.payload, message.data_start))
                if self._changes < MOST_CHANGES:
                    continue
            self._flush()
            if message is None:
                self._confirm()
                select.select([self._connection], [], [], IDLE_SECONDS)

    def _take(self, said: Begin | Commit | Change | None) -> None:
        if isinstance(said, Begin):
            self._open = Transaction()
            self._on_ddl(None)
        elif isinstance(said, Change) and self._open is not None:
            self._keep(self._open, said)
        elif isinstance(said, Commit) and self._open is not None:
            self._open.position, self._open.committed = said.position, said.at
            self._batch.append(self._open)
            self._changes += len(self._open.changes) or 1
            self._open = None

    def _keep(self, transaction: Transaction, change: Change) -> None:
        if change.table == self._audit:
            if change.kind is Kind.INSERT:
                commands = self._on_ddl(change.new)
                # CREATE TABLE AS is logged after its rows; the table has to be there before them.
                early = [ddl for ddl in commands if ddl.creates and not ddl.renamed]
                transaction.changes[:0] = early
                transaction.changes.extend(ddl for ddl in commands if ddl not in early)
        elif not change.table[1].startswith("awsdms_"):
            transaction.changes.append(change)

    def _flush(self) -> None:
        batch, self._batch, self._changes = self._batch, [], 0
        busy = [transaction for transaction in batch if transaction.changes]
        if busy:
            self._applier.apply(busy)
        if batch:
            self._taken = batch[-1].position
        if self._applier.settled() and self._taken is not None:
            self._progress.position = lsn_text(self._taken)
            self._send(self._taken)
            self._taken = None
        self._pause(self._confirmed)

    def _confirm(self) -> None:
        """Tell an idle slot that everything up to the end of the WAL was seen."""
        if self._open is None and self._taken is None and time.monotonic() - self._confirmed_at > CONFIRM_SECONDS:
            self._send(max(self._confirmed, self._cursor.wal_end or 0))

    def _send(self, position: int) -> None:
        self._confirmed, self._confirmed_at = position, time.monotonic()
        self._cursor.send_feedback(write_lsn=position, flush_lsn=position, apply_lsn=position, force=True)


def plain_lsn(given: str | None) -> str | None:
    """Return the LSN in a CdcStartPosition, which may be a checkpoint."""
    if given and given.startswith("checkpoint:"):
        text = given.split("#")[2]
        return lsn_text(lsn(text))
    return given
