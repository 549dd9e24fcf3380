"""What CloudWatch tells of a database's storage, measured on its real directory and server."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

import psycopg

from sandbox.postgres.small_volume import used
from sandbox.rds.engines import AURORA, GIB, instance_class
from sandbox.rds.estate import Instance, allocated

SILENT = ("creating", "failed", "stopped", "deleting")
LOCAL_STORAGE = 2
"""Temporary storage of an Aurora instance, in memories of its class."""

OLDEST_SLOT = """
select max(pg_wal_lsn_diff(
    case when pg_is_in_recovery() then pg_last_wal_replay_lsn() else pg_current_wal_lsn() end, restart_lsn))
from pg_replication_slots
"""


@dataclass(frozen=True, kw_only=True)
class Measure:
    """One metric, in bytes. ``take``: None when there is nothing to tell. ``of_cluster``: it has no instance."""

    take: Callable[[Instance], float | None]
    aurora: bool
    rds: bool
    of_cluster: bool = False


def measured(metric: str, instance: Instance) -> float | None:
    """Return the metric of this instance now."""
    measure = MEASURES.get(metric)
    if measure is None or not has(measure, instance) or not instance.server.data.exists():
        return None
    return measure.take(instance)


def has(measure: Measure, instance: Instance) -> bool:
    """Tell whether this instance reports the metric now."""
    reported = measure.aurora if instance.engine == AURORA else measure.rds
    return reported and instance.status.value not in SILENT


def _free_storage(instance: Instance) -> float:
    room = instance.server.small_volume
    if room is not None:
        return room.free
    return allocated(instance) * GIB - used(instance.server.data)


def _transaction_logs(instance: Instance) -> float:
    return used(instance.server.data / "pg_wal")


def _slot_files(instance: Instance) -> float:
    return used(instance.server.data / "pg_replslot")


def _oldest_slot(instance: Instance) -> float | None:
    if instance.server.pid is None or instance.server.unreachable:
        return None
    with suppress(psycopg.Error), instance.server.connect() as connection:
        row = connection.execute(OLDEST_SLOT).fetchone()
        return None if row is None or row[0] is None else float(row[0])
    return None


def _local_storage(instance: Instance) -> float:
    taken = used(instance.server.data / "base" / "pgsql_tmp")
    return LOCAL_STORAGE * instance_class(instance.klass).memory - taken


def _volume(instance: Instance) -> float | None:
    return used(instance.server.data) if instance.writer else None


MEASURES = {
    "FreeStorageSpace": Measure(take=_free_storage, aurora=False, rds=True),
    "TransactionLogsDiskUsage": Measure(take=_transaction_logs, aurora=True, rds=True),
    "ReplicationSlotDiskUsage": Measure(take=_slot_files, aurora=True, rds=True),
    "OldestReplicationSlotLag": Measure(take=_oldest_slot, aurora=True, rds=True),
    "FreeLocalStorage": Measure(take=_local_storage, aurora=True, rds=False),
    "VolumeBytesUsed": Measure(take=_volume, aurora=True, rds=False, of_cluster=True),
}
