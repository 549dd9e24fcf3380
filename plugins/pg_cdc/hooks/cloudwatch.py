"""CloudWatch: the newest value of a few metrics, in one call."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from airflow.providers.amazon.aws.hooks.base_aws import AwsBaseHook
from botocore.config import Config

from pg_cdc.hooks.memo import shared_hook

if TYPE_CHECKING:
    from pg_cdc.config import Migration

NAMESPACE = "AWS/RDS"
WINDOW_SECONDS = 1800
"""Volume metrics of Aurora come every five minutes, and late."""

PATIENCE = Config(connect_timeout=3, read_timeout=5, retries={"max_attempts": 2})
"""A report about slots does not wait for a figure about disks."""


@dataclass(frozen=True, kw_only=True)
class Metric:
    """A metric of AWS/RDS. ``dimension``: DBInstanceIdentifier or DBClusterIdentifier."""

    name: str
    dimension: str
    identifier: str
    statistic: str = "Minimum"


@dataclass(frozen=True, kw_only=True)
class Sample:
    """A value and how old it is."""

    value: float
    age_seconds: float


class CdcCloudWatchHook(AwsBaseHook):
    """CloudWatch with the timeouts of something that can be done without."""

    @classmethod
    def of(cls, migration: Migration) -> CdcCloudWatchHook:
        """Return the hook for the AWS account of ``migration``."""
        aws = migration.aws
        return shared_hook(
            lambda: cls(aws_conn_id=aws.conn_id, region_name=aws.region, client_type="cloudwatch", config=PATIENCE),
            cls,
            aws.conn_id,
            aws.region,
        )

    def newest(self, metrics: Mapping[str, Metric]) -> dict[str, Sample]:
        """Return the newest value of each metric that has one; the keys are lower-case words."""
        now = time.time()
        client: Any = self.conn
        answer = client.get_metric_data(
            MetricDataQueries=[_query(key, metric) for key, metric in metrics.items()],
            StartTime=datetime.fromtimestamp(now - WINDOW_SECONDS, UTC),
            EndTime=datetime.fromtimestamp(now + 60, UTC),
            ScanBy="TimestampDescending",
        )
        rows = {row["Id"]: row for row in answer.get("MetricDataResults", ()) if row.get("Values")}
        return {key: _sample(rows[key], now) for key in metrics if key in rows}


def _query(key: str, metric: Metric) -> dict[str, Any]:
    dimensions = [{"Name": metric.dimension, "Value": metric.identifier}]
    return {
        "Id": key,
        "MetricStat": {
            "Metric": {"Namespace": NAMESPACE, "MetricName": metric.name, "Dimensions": dimensions},
            "Period": 60,
            "Stat": metric.statistic,
        },
    }


def _sample(row: Mapping[str, Any], now: float) -> Sample:
    stamp, value = max(zip(row["Timestamps"], row["Values"], strict=True))
    return Sample(value=float(value), age_seconds=max(now - stamp.timestamp(), 0.0))
