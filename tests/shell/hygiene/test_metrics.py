"""Gauges go through Airflow's metrics: by tags where the protocol has them, else by names that tell slots apart."""

from __future__ import annotations

import atexit
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import opentelemetry.metrics
import pytest
from airflow.providers.common.compat.sdk import Stats
from airflow.sdk._shared.observability.metrics.otel_logger import flush_otel_metrics
from airflow.sdk.observability import stats

from pg_cdc.hooks.metrics import send_gauges

TAGS = {"source": "shop", "slot": "dms_slot"}
GAUGES = [("pg_cdc.slot.retained_bytes", 4096.0, TAGS), ("pg_cdc.slot.runway_hours", 1.5, TAGS | {"slot": "other"})]


class Recorder:
    """A backend that remembers what it was given."""

    def __init__(self) -> None:
        self.gauges: list[tuple[str, float, Any]] = []

    def gauge(self, stat: str, value: float, rate: float = 1, delta: bool = False, *, tags: Any = None) -> None:
        self.gauges.append((stat, value, tags))


def send_to(backend: Callable[[], Any]) -> None:
    """Have Airflow make this its backend. Airflow 3.2 keeps it in the class that later ones have as a proxy."""
    if hasattr(stats, "initialize"):
        stats.initialize(factory=backend, export_legacy_names=True)
    else:
        stats.Stats.initialize(factory=backend)


@pytest.fixture
def backend() -> Iterator[Recorder]:
    recorder = Recorder()
    send_to(lambda: recorder)
    yield recorder
    send_to(Recorder)


def test_airflows_own_metrics_are_what_is_used():
    assert Stats is stats.Stats


def test_gauges_carry_their_source_and_slot_as_tags(backend):
    assert send_gauges(GAUGES) == 2
    assert backend.gauges == GAUGES


@pytest.mark.parametrize("protocol", ["DATADOG_ENABLED", "INFLUXDB_ENABLED"])
def test_statsd_with_tags_is_given_tags(backend, monkeypatch, protocol):
    monkeypatch.setenv("AIRFLOW__METRICS__STATSD_ON", "True")
    monkeypatch.setenv(f"AIRFLOW__METRICS__STATSD_{protocol}", "True")

    send_gauges(GAUGES)

    assert backend.gauges == GAUGES


def test_plain_statsd_has_a_name_for_each_slot(backend, monkeypatch):
    monkeypatch.setenv("AIRFLOW__METRICS__STATSD_ON", "True")

    send_gauges([*GAUGES, ("pg_cdc.slot.idle_seconds", 3.0, {"source": "a.b (eu-west-1)", "slot": "s"})])

    assert [name for name, _, _ in backend.gauges] == [
        "pg_cdc.slot.shop.dms_slot.retained_bytes",
        "pg_cdc.slot.shop.other.runway_hours",
        "pg_cdc.slot.a_b__eu-west-1_.s.idle_seconds",
    ]


@pytest.fixture
def collector(monkeypatch) -> Iterator[list[bytes]]:
    """An OpenTelemetry collector that keeps what it is sent, and Airflow told to send there."""
    received: list[bytes] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", f"http://127.0.0.1:{server.server_port}/v1/metrics")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_METRICS_PROTOCOL", "http/protobuf")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_COMPRESSION", "none")
    yield received
    send_to(Recorder)
    opentelemetry.metrics.get_meter_provider().shutdown()  # or both look for this collector when the process ends
    atexit.unregister(flush_otel_metrics)
    server.shutdown()
    server.server_close()


def test_a_collector_of_opentelemetry_receives_name_value_and_tags(collector, monkeypatch):
    from airflow.sdk.observability.metrics.otel_logger import get_otel_logger
    from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

    monkeypatch.setenv("AIRFLOW__METRICS__OTEL_ON", "True")
    send_to(get_otel_logger)

    send_gauges(GAUGES)
    flush_otel_metrics()

    request = ExportMetricsServiceRequest.FromString(collector[-1])
    found = {
        metric.name: (point.as_double or point.as_int, {tag.key: tag.value.string_value for tag in point.attributes})
        for resource in request.resource_metrics
        for scope in resource.scope_metrics
        for metric in scope.metrics
        for point in metric.gauge.data_points
    }
    assert found == {f"airflow.{name}": (value, tags) for name, value, tags in GAUGES}
