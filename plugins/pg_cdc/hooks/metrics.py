"""Send gauges through Airflow's own metrics: StatsD, DogStatsD or OpenTelemetry, whichever it is configured for.

Source: https://airflow.apache.org/docs/apache-airflow/stable/administration-and-deployment/logging-monitoring/metrics.html
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from airflow.providers.common.compat.sdk import Stats
from airflow.sdk import conf

PREFIX = "pg_cdc."
NOT_IN_NAMES = re.compile(r"[^a-zA-Z0-9_-]")

Gauge = tuple[str, float, Mapping[str, str]]
"""A name such as ``pg_cdc.slot.retained_bytes``, a value, and tags."""


def send_gauges(gauges: Iterable[Gauge]) -> int:
    """Send gauges, and return how many."""
    untagged = _drops_tags()
    sent = 0
    for name, value, tags in gauges:
        if untagged:
            Stats.gauge(_with_tags(name, tags), value)
        else:
            Stats.gauge(name, value, tags=dict(tags))
        sent += 1
    return sent


def _drops_tags() -> bool:
    """Tell whether the protocol is plain StatsD: without tags, one slot's gauge would write over another's."""
    if not conf.getboolean("metrics", "statsd_on", fallback=False):
        return False
    tagged = ("statsd_datadog_enabled", "statsd_influxdb_enabled")
    return not any(conf.getboolean("metrics", key, fallback=False) for key in tagged)


def _with_tags(name: str, tags: Mapping[str, str]) -> str:
    """Return ``pg_cdc.slot.<source>.<slot>.retained_bytes``."""
    head, _, last = name.rpartition(".")
    return ".".join((head, *(NOT_IN_NAMES.sub("_", value) for value in tags.values()), last))
