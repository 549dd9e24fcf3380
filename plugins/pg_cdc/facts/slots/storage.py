"""Read what room is left for WAL: from CloudWatch, by the kind of storage. What cannot be read is said, not raised.

Source: https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-metrics.html
Source: https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/Aurora.AuroraMonitoring.Metrics.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from airflow.sdk.exceptions import AirflowException
from botocore.exceptions import BotoCoreError, ClientError

from pg_cdc.decisions.slots.world import Storage
from pg_cdc.decisions.world import Database, Engine
from pg_cdc.hooks.aws_errors import error_code
from pg_cdc.hooks.cloudwatch import CdcCloudWatchHook, Metric, Sample

if TYPE_CHECKING:
    from pg_cdc.config import Migration

AURORA_VOLUME_BYTES = 128 * 1024**4
"""Where a cluster volume ends; newer versions of Aurora go further, and this is then on the safe side."""

GIB = 1024**3


def read_storage(migration: Migration, database: Database, max_slot_wal_keep_bytes: int | None) -> Storage:
    """Return what room WAL has on ``database``; with the reason where CloudWatch does not tell."""
    aurora = database.engine is Engine.AURORA
    metrics = _aurora(database) if aurora else _rds(database)
    try:
        found = CdcCloudWatchHook.of(migration).newest(metrics)
    except ClientError as err:
        return _unknown(max_slot_wal_keep_bytes, f"CloudWatch said {error_code(err)}")
    except (BotoCoreError, AirflowException, OSError) as err:
        return _unknown(max_slot_wal_keep_bytes, f"CloudWatch could not be asked: {err}")
    free, how = (_aurora_room if aurora else _rds_room)(database, found)
    return Storage(free_bytes=free, max_slot_wal_keep_bytes=max_slot_wal_keep_bytes, how=how)


def _unknown(keep: int | None, why: str) -> Storage:
    return Storage(max_slot_wal_keep_bytes=keep, how=f"free storage is not known: {why}")


def _rds(database: Database) -> dict[str, Metric]:
    identifier = database.writer.identifier
    return {"free": Metric(name="FreeStorageSpace", dimension="DBInstanceIdentifier", identifier=identifier)}


def _aurora(database: Database) -> dict[str, Metric]:
    cluster, writer = database.identifier, database.writer.identifier
    return {
        "used": Metric(
            name="VolumeBytesUsed", dimension="DBClusterIdentifier", identifier=cluster, statistic="Maximum"
        ),
        "local": Metric(name="FreeLocalStorage", dimension="DBInstanceIdentifier", identifier=writer),
    }


def _rds_room(database: Database, found: Mapping[str, Sample]) -> tuple[int | None, str]:
    if (free := found.get("free")) is None:
        return None, f"free storage is not known: CloudWatch has no recent FreeStorageSpace of {database.identifier}"
    return int(free.value), f"FreeStorageSpace of {database.identifier}, {_age(free)}"


def _aurora_room(database: Database, found: Mapping[str, Sample]) -> tuple[int | None, str]:
    """WAL that a slot holds back is in the cluster volume; what decoding spills is on the writer's own disk."""
    local = found.get("local")
    spill = f"; {local.value / GIB:.1f} GiB of local storage for what decoding spills" if local else ""
    if (used := found.get("used")) is None:
        why = f"CloudWatch has no recent VolumeBytesUsed of {database.identifier}"
        return None, f"free storage is not known: {why}{spill}"
    free = max(AURORA_VOLUME_BYTES - int(used.value), 0)
    return free, f"128 TiB less VolumeBytesUsed of {database.identifier}, {_age(used)}{spill}"


def _age(sample: Sample) -> str:
    return f"{sample.age_seconds / 60:.0f} min old"
