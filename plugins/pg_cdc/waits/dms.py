"""What is waited for in DMS. All waits of one account share their describes: DMS refills 8 calls a second in all.

Source: https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Limits.html
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pg_cdc.waits import Look, Wait

if TYPE_CHECKING:
    from pg_cdc.hooks.dms import CdcDmsHook

log = logging.getLogger(__name__)

SECONDS_PER_PAGE = 5
"""A page of 100 tasks is read at most this often: 600 tasks make 6 pages every 30 s, 12 calls a minute."""

TABLE_READS_PER_MINUTE = 6
"""Table statistics are one call per task and only for the log: so many a minute, over all tasks of an account."""

Row = dict[str, Any]
Key = tuple[str, str | None, str]


class SharedReads:
    """Descriptions read once for everyone who looks. Thread-safe; one reader at a time for each key."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._rows: dict[Key, tuple[float, float, Sequence[Row]]] = {}
        self._locks: dict[Key, threading.Lock] = {}
        self._lock = threading.Lock()
        self._table_reads: dict[Key, list[float]] = {}

    def rows(self, key: Key, read: Callable[[], Sequence[Row]], *, since: float, poll_seconds: float) -> Sequence[Row]:
        """Return the rows of ``key``: not older than their share of the call budget, and not read before ``since``."""
        with self._lock:
            lock = self._locks.setdefault(key, threading.Lock())
        with lock:
            read_at, fresh_until, rows = self._rows.get(key, (0.0, 0.0, ()))
            now = self._clock()
            if read_at >= since and now < fresh_until:
                return rows
            rows = read()
            pages = max(1, -(-len(rows) // 100))
            # Stamped with the time before the read: a change made meanwhile may be missing in it.
            self._rows[key] = (now, now + min(SECONDS_PER_PAGE, poll_seconds) * pages, rows)
            return rows

    def may_read_tables(self, key: Key) -> bool:
        """Take one of this minute's reads of table statistics, if any is left."""
        with self._lock:
            now = self._clock()
            recent = [at for at in self._table_reads.get(key, ()) if at > now - 60]
            allowed = len(recent) < TABLE_READS_PER_MINUTE
            self._table_reads[key] = [*recent, now] if allowed else recent
            return allowed

    def clear(self) -> None:
        """Forget everything read."""
        with self._lock:
            self._rows.clear()
            self._table_reads.clear()


SHARED = SharedReads()


@dataclass(frozen=True, kw_only=True)
class DmsWait(Wait):
    """A look at DMS. ``since``: epoch seconds before which a shared read is too old to be believed."""

    aws_conn_id: str
    region: str | None
    since: float
    poll_seconds: float

    def hook(self) -> CdcDmsHook:
        """Return a hook for this account."""
        from pg_cdc.hooks.dms import CdcDmsHook

        return CdcDmsHook.at(self.aws_conn_id, self.region)

    def shared(self, what: str, read: Callable[[], Sequence[Row]]) -> Sequence[Row]:
        """Return rows that every wait of this account shares."""
        key = (self.aws_conn_id, self.region, what)
        return SHARED.rows(key, read, since=self.since, poll_seconds=self.poll_seconds)


@dataclass(frozen=True, kw_only=True)
class InstanceSettled(DmsWait):
    """Waits while the replication instance is made, changed or rebooted."""

    identifier: str

    def look(self) -> Look:
        """Look at the status."""
        rows = self.shared(
            "instances", lambda: self.hook().read_all("describe_replication_instances", "ReplicationInstances")
        )
        row = next((row for row in rows if row["ReplicationInstanceIdentifier"] == self.identifier), None)
        status = row["ReplicationInstanceStatus"] if row else "missing"
        moving = ("creating", "modifying", "upgrading", "rebooting", "maintenance", "resetting-master-credentials")
        return Look(done=status not in moving, progress=f"replication instance {self.identifier} is {status}")


@dataclass(frozen=True, kw_only=True)
class EndpointSettled(DmsWait):
    """Waits while an endpoint is made."""

    identifier: str

    def look(self) -> Look:
        """Look at the status."""
        row = self.hook().endpoint(self.identifier)
        status = row.get("Status", "") if row else "missing"
        return Look(done=status not in ("creating", "modifying"), progress=f"endpoint {self.identifier} is {status}")


@dataclass(frozen=True, kw_only=True)
class ConnectionTested(DmsWait):
    """Waits for the end of one connection test; filtered by both ends, so that nobody else's counts."""

    endpoint_arn: str
    instance_arn: str
    end: str

    def look(self) -> Look:
        """Look at the status."""
        rows = self.hook().connections(self.endpoint_arn, self.instance_arn)
        status = rows[0]["Status"] if rows else "not tested"
        return Look(done=status in ("successful", "failed"), progress=f"connection to the {self.end} is {status}")


@dataclass(frozen=True, kw_only=True)
class TaskWait(DmsWait):
    """A look at one task, out of the description of all tasks."""

    identifier: str

    def row(self) -> Row | None:
        """Return the task's row, without settings."""
        rows = self.shared("tasks", lambda: self.hook().tasks(WithoutSettings=True, MaxRecords=100))
        return next((row for row in rows if row["ReplicationTaskIdentifier"] == self.identifier), None)


@dataclass(frozen=True, kw_only=True)
class TaskSettled(TaskWait):
    """Waits while the task is being made, changed, started or stopped."""

    def look(self) -> Look:
        """Look at the status."""
        row = self.row()
        status = row["Status"] if row else "missing"
        moving = ("creating", "modifying", "testing", "moving", "starting", "stopping", "deleting")
        return Look(done=status not in moving, progress=f"task {self.identifier} is {status}")


@dataclass(frozen=True, kw_only=True)
class TaskStarted(TaskWait):
    """Waits until a start shows. ``before``: the task's start date before it; ``was``: its status then.

    A look right after the call may still see the old world: stopped is an answer only with another start date.
    """

    before: str | None
    was: str

    def look(self) -> Look:
        """Look at status and start date."""
        from pg_cdc.facts.dms import task_from

        row = self.row()
        if row is None:
            return Look(done=True, progress=f"task {self.identifier} is missing")
        task = task_from(row)
        moved = task.stats.started != self.before or task.status not in (self.was, "starting", "ready")
        done = task.status == "running" or (moved and task.status in ("stopped", "failed"))
        return Look(done=done, progress=f"task {self.identifier} is {task.status}")


@dataclass(frozen=True, kw_only=True)
class FullLoadEnded(TaskWait):
    """Waits until the full load is over, for better or worse, and says how far it is."""

    def look(self) -> Look:
        """Look at the task, and now and then at its tables."""
        from pg_cdc.decisions.dms.full_load import describe_load, load_has_ended
        from pg_cdc.facts.dms import task_from

        row = self.row()
        if row is None:
            return Look(done=True, progress=f"task {self.identifier} is missing")
        task = task_from(row)
        ended = load_has_ended(task)
        tables = "" if ended else self._tables(task.arn)
        return Look(
            done=ended, progress=f"task {task.identifier} is {task.status}: {describe_load(task.stats)}{tables}"
        )

    def _tables(self, arn: str) -> str:
        from pg_cdc.decisions.dms.full_load import COMPLETED
        from pg_cdc.facts.dms import read_tables

        if not SHARED.may_read_tables((self.aws_conn_id, self.region, "tables")):
            return ""
        open_tables = [t for t in read_tables(self.hook(), arn) if t.state != COMPLETED]
        return "".join(f"; {table.name}: {table.state}, {table.load_rows} rows" for table in open_tables)
