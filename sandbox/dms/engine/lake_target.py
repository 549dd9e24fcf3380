"""Where a task's files go, and what they are called.

Source: https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Target.S3.html
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from sandbox.buckets import Buckets, BucketTrouble
from sandbox.dms.engine.failures import TaskFailed
from sandbox.dms.engine.progress import TableName

OPERATION = "Op"
TIMES = "%Y-%m-%d %H:%M:%S.%f"
PARTS = {
    "YYYYMMDD": ("%Y", "%m", "%d"),
    "YYYYMMDDHH": ("%Y", "%m", "%d", "%H"),
    "YYYYMM": ("%Y", "%m"),
    "MMYYYYDD": ("%m", "%Y", "%d"),
    "DDMMYYYY": ("%d", "%m", "%Y"),
}
BETWEEN = {"SLASH": "/", "UNDERSCORE": "_", "DASH": "-", "NONE": ""}


class LakeTarget:
    """A folder of a bucket. ``settings``: the endpoint's S3Settings, defaults and all."""

    def __init__(self, settings: Mapping[str, Any], buckets: Buckets, pace: float) -> None:
        self.settings = settings
        self.interval = settings["CdcMaxBatchInterval"] * pace
        self._buckets = buckets

    @property
    def parquet(self) -> bool:
        """Tell whether files are Parquet; those in the order of transactions never are."""
        return bool(self.settings["DataFormat"] == "parquet")

    @property
    def unchanged(self) -> str | None:
        """Return what CSV has for a value that is not in the log; None: as for NULL."""
        if self.parquet or not self.settings["UseCsvNoSupValue"]:
            return None
        return self.settings.get("CsvNoSupValue") or None

    def folder(self, table: TableName) -> str:
        """Return how the keys of a table's files begin."""
        return f"{self._root()}{table[0]}/{table[1]}/"

    def partition(self, committed: dt.datetime) -> str:
        """Return the folder of a commit's date below that of its table, with its slash; empty: none is asked for."""
        if not self.settings["DatePartitionEnabled"]:
            return ""
        zone = self.settings.get("DatePartitionTimezone")
        moment = committed.astimezone(ZoneInfo(zone)) if zone else committed
        between = BETWEEN[self.settings["DatePartitionDelimiter"]]
        parts = PARTS[self.settings["DatePartitionSequence"]]
        return between.join(moment.strftime(part) for part in parts) + "/"

    def transactions(self) -> str:
        """Return where files in the order of transactions go; empty: changes go to their tables' folders."""
        if not self.settings["PreserveTransactions"]:
            return ""
        return f"{self._root()}{self.settings['CdcPath'].strip('/')}/"

    def write(self, key: str, content: bytes) -> None:
        """Write one file."""
        try:
            self._buckets.put(self.settings["BucketName"], key, content)
        except BucketTrouble as trouble:
            raise TaskFailed(f"Failed to upload {key}: {trouble}") from None

    def empty(self, table: TableName) -> None:
        """Remove a table's files."""
        try:
            self._buckets.remove(self.settings["BucketName"], self.folder(table))
        except BucketTrouble as trouble:
            raise TaskFailed(f"Failed to delete the files of {table[0]}.{table[1]}: {trouble}") from None

    def _root(self) -> str:
        folder = self.settings["BucketFolder"].strip("/")
        return f"{folder}/" if folder else ""
