"""CloudWatch, as the gateway calls it: metrics of AWS/RDS are answered here, everything else by moto."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sandbox.api.errors import AwsError, NotInSandbox
from sandbox.cloudwatch.measures import MEASURES, Measure, has, measured
from sandbox.cloudwatch.samples import MINUTE, Samples, by_period, statistic
from sandbox.rds.estate import Estate, Instance

NAMESPACE = "AWS/RDS"
MOST_QUERIES = 500
Dimensions = Sequence[Mapping[str, str]]


class CloudWatchService:
    """GetMetricData, GetMetricStatistics and ListMetrics of AWS/RDS."""

    name = "cloudwatch"

    def __init__(self, rds: Estate) -> None:
        self._rds = rds
        self._samples = Samples()

    def owns(self, action: str, parameters: Mapping[str, Any]) -> bool:
        """Tell whether the call is about what is measured here. :raises NotInSandbox: half of it is."""
        if action == "GetMetricData":
            namespaces = [_namespace(query) for query in parameters.get("MetricDataQueries") or ()]
            if NAMESPACE in namespaces and set(namespaces) != {NAMESPACE}:
                raise NotInSandbox(self.name, f"GetMetricData of {NAMESPACE} together with expressions or others")
            return NAMESPACE in namespaces
        return action in ("GetMetricStatistics", "ListMetrics") and parameters.get("Namespace") == NAMESPACE

    def get_metric_data(self, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        """Answer several questions over one time."""
        queries = parameters["MetricDataQueries"]
        if len(queries) > MOST_QUERIES or len({query["Id"] for query in queries}) < len(queries):
            raise AwsError("ValidationError", "At most 500 queries, each with an Id of its own.")
        start, end = _time(parameters, "ValidationError")
        asked = [query for query in queries if query.get("ReturnData", True)]
        found = [self._series(query, start, end) for query in asked]
        if parameters.get("ScanBy") != "TimestampAscending":
            for one in found:
                one["Timestamps"].reverse()
                one["Values"].reverse()
        return {"MetricDataResults": found, "Messages": []}

    def get_metric_statistics(self, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        """Answer one question, by several statistics."""
        start, end = _time(parameters, "InvalidParameterValue")
        wanted = [*(parameters.get("Statistics") or ()), *(parameters.get("ExtendedStatistics") or ())]
        if not wanted:
            raise AwsError("InvalidParameterCombination", "Give Statistics or ExtendedStatistics.")
        periods = self._periods(parameters, start, end, _period(parameters, "InvalidParameterValue"))
        return {"Label": parameters["MetricName"], "Datapoints": [
            {"Timestamp": _moment(at), "Unit": "Bytes", **_statistics(parameters, values)}
            for at, values in periods.items()
        ]}  # fmt: skip

    def list_metrics(self, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        """List what each database reports."""
        wanted = [(one["Name"], one.get("Value")) for one in parameters.get("Dimensions") or ()]
        found = [
            {"Namespace": NAMESPACE, "MetricName": name, "Dimensions": [{"Name": key, "Value": value}]}
            for name, measure in MEASURES.items()
            if parameters.get("MetricName") in (None, name)
            for key, value in self._dimensions(measure)
            if all(asked in ((key, None), (key, value)) for asked in wanted)
        ]
        return {"Metrics": found}

    def _series(self, query: Mapping[str, Any], start: float, end: float) -> dict[str, Any]:
        stat = query["MetricStat"]
        periods = self._periods(stat["Metric"], start, end, _period(stat, "ValidationError"))
        return {
            "Id": query["Id"],
            "Label": query.get("Label") or stat["Metric"]["MetricName"],
            "StatusCode": "Complete",
            "Timestamps": [_moment(at) for at in periods],
            "Values": [statistic(stat["Stat"], values) for values in periods.values()],
        }

    def _periods(self, metric: Mapping[str, Any], start: float, end: float, period: int) -> dict[int, list[float]]:
        name = metric["MetricName"]
        found = self._instances(name, metric.get("Dimensions") or ())
        now = time.time()
        if end > now - MINUTE:
            for instance in found:
                if (value := measured(name, instance)) is not None:
                    self._samples.put((name, instance.resource_id), min(now, end - 0.001), value)
        minutes = self._samples.between([(name, one.resource_id) for one in found], start, end)
        return by_period(minutes, period)

    def _instances(self, name: str, dimensions: Dimensions) -> list[Instance]:
        """Return what these dimensions name: an instance, or the members of a cluster, or nothing."""
        wanted = {one["Name"]: one["Value"] for one in dimensions}
        role = wanted.pop("Role", None)
        measure = MEASURES.get(name)
        with self._rds.lock:
            if measure is None:
                return []
            if list(wanted) == ["DBInstanceIdentifier"] and not measure.of_cluster and role is None:
                return [one for one in self._rds.instances.values() if one.identifier == wanted["DBInstanceIdentifier"]]
            if list(wanted) == ["DBClusterIdentifier"]:
                members = self._rds.members(wanted["DBClusterIdentifier"])
                return [one for one in members if role in (None, "WRITER" if one.writer else "READER")]
        return []

    def _dimensions(self, measure: Measure) -> list[tuple[str, str]]:
        with self._rds.lock:
            reporting = [one for one in self._rds.instances.values() if has(measure, one)]
        clusters = {one.cluster: None for one in reporting if one.cluster}
        of_clusters = [("DBClusterIdentifier", name) for name in clusters if name]
        if measure.of_cluster:
            return of_clusters
        return [("DBInstanceIdentifier", one.identifier) for one in reporting] + of_clusters


def _namespace(query: Mapping[str, Any]) -> str:
    return str(((query.get("MetricStat") or {}).get("Metric") or {}).get("Namespace"))


def _time(parameters: Mapping[str, Any], code: str) -> tuple[float, float]:
    start, end = (_seconds(parameters[name]) for name in ("StartTime", "EndTime"))
    if start >= end:
        raise AwsError(code, "The parameter StartTime must be less than the parameter EndTime.")
    return start, end


def _period(parameters: Mapping[str, Any], code: str) -> int:
    period = int(parameters["Period"])
    if period < MINUTE or period % MINUTE:
        raise AwsError(code, f"The parameter Period must be a multiple of 60: {period}")
    return period


def _seconds(moment: datetime) -> float:
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _moment(at: int) -> datetime:
    return datetime.fromtimestamp(at, UTC)


def _statistics(parameters: Mapping[str, Any], values: Sequence[float]) -> dict[str, Any]:
    found: dict[str, Any] = {name: statistic(name, values) for name in parameters.get("Statistics") or ()}
    if extended := parameters.get("ExtendedStatistics"):
        found["ExtendedStatistics"] = {name: statistic(name, values) for name in extended}
    return found
