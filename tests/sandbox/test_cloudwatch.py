"""CloudWatch tells of AWS/RDS what is true of the real servers, and leaves every other namespace to moto."""

from __future__ import annotations

import datetime as dt
import urllib.parse
import urllib.request

import pytest
from botocore.exceptions import ClientError

GIB = 1 << 30
SLOT = "cloudwatch_slot"


@pytest.fixture(scope="module")
def cloudwatch(sandbox):
    return sandbox.client("cloudwatch")


@pytest.fixture(scope="module")
def instance(sandbox, make_instance):
    rds = sandbox.client("rds")
    rds.create_db_parameter_group(
        DBParameterGroupName="cloudwatch", DBParameterGroupFamily="postgres15", Description="logical"
    )
    rds.modify_db_parameter_group(
        DBParameterGroupName="cloudwatch",
        Parameters=[
            {"ParameterName": "rds.logical_replication", "ParameterValue": "1", "ApplyMethod": "pending-reboot"}
        ],
    )
    return make_instance("metered", parameter_group="cloudwatch")


@pytest.fixture(scope="module")
def cluster(make_cluster):
    return make_cluster("metered-aurora", readers=1)


def query(metric, *, stat="Average", period=60, namespace="AWS/RDS", **dimensions):
    asked = [{"Name": name, "Value": value} for name, value in dimensions.items()]
    what = {"Namespace": namespace, "MetricName": metric, "Dimensions": asked}
    return {"Id": metric.lower(), "MetricStat": {"Metric": what, "Period": period, "Stat": stat}}


def ask(cloudwatch, *queries, minutes=5, **more):
    now = dt.datetime.now(dt.UTC)
    times = {"StartTime": now - dt.timedelta(minutes=minutes), "EndTime": now, **more}
    return cloudwatch.get_metric_data(MetricDataQueries=list(queries), **times)["MetricDataResults"]


def value(cloudwatch, metric, **dimensions):
    (found,) = ask(cloudwatch, query(metric, **dimensions))
    return found["Values"][0] if found["Values"] else None


def code_of(call, **parameters):
    with pytest.raises(ClientError) as refusal:
        call(**parameters)
    return refusal.value.response["Error"]["Code"]


def write_wal(server, megabytes):
    with server.connect() as connection:
        connection.execute("create table if not exists ballast (v text)")
        connection.execute(
            "insert into ballast select repeat(md5(i::text), 30) from generate_series(1, %s) i", [megabytes * 1000]
        )


def test_the_free_storage_of_an_instance_shrinks_as_its_directory_grows(cloudwatch, instance):
    before = value(cloudwatch, "FreeStorageSpace", DBInstanceIdentifier="metered")
    write_wal(instance, 20)
    after = value(cloudwatch, "FreeStorageSpace", DBInstanceIdentifier="metered")

    assert 19 * GIB < after < before - 15e6 < 20 * GIB


def test_the_log_of_a_slot_that_nobody_reads_is_told_in_bytes(cloudwatch, instance):
    with instance.connect() as connection:
        connection.execute("select pg_create_logical_replication_slot(%s, 'test_decoding')", [SLOT])
        write_wal(instance, 5)
        retained = "select pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn) from pg_replication_slots"
        (least,) = connection.execute(retained).fetchone()
        told = value(cloudwatch, "OldestReplicationSlotLag", DBInstanceIdentifier="metered")
        (most,) = connection.execute(retained).fetchone()
        connection.execute("select pg_drop_replication_slot(%s)", [SLOT])

    assert 0 < least <= told <= most
    assert value(cloudwatch, "TransactionLogsDiskUsage", DBInstanceIdentifier="metered") >= 16 << 20


def test_a_server_without_slots_has_no_oldest_one(cloudwatch, cluster, make_instance):
    make_instance("metered-idle")

    assert value(cloudwatch, "OldestReplicationSlotLag", DBInstanceIdentifier="metered-idle") is None


def test_aurora_tells_its_volume_by_cluster_and_its_local_storage_by_instance(cloudwatch, cluster):
    volume = value(cloudwatch, "VolumeBytesUsed", DBClusterIdentifier="metered-aurora")

    assert 20e6 < volume < GIB
    assert value(cloudwatch, "VolumeBytesUsed", DBInstanceIdentifier="metered-aurora-1") is None
    assert value(cloudwatch, "FreeStorageSpace", DBInstanceIdentifier="metered-aurora-1") is None
    assert value(cloudwatch, "FreeLocalStorage", DBInstanceIdentifier="metered-aurora-1") == 32 * GIB


@pytest.mark.parametrize(("role", "count"), [(None, 2), ("WRITER", 1), ("READER", 1)])
def test_a_cluster_stands_for_its_members(cloudwatch, cluster, role, count):
    dimensions = {"DBClusterIdentifier": "metered-aurora", **({"Role": role} if role else {})}
    (found,) = ask(cloudwatch, query("TransactionLogsDiskUsage", stat="SampleCount", **dimensions))

    assert found["Values"] == [count]


@pytest.mark.parametrize(
    "dimensions",
    [
        pytest.param({"DBInstanceIdentifier": "nobody"}, id="unknown"),
        pytest.param({}, id="none"),
        pytest.param({"DatabaseClass": "db.t3.medium"}, id="other-dimension"),
    ],
)
def test_what_is_not_there_has_no_values_and_no_error(cloudwatch, instance, dimensions):
    (found,) = ask(cloudwatch, query("FreeStorageSpace", **dimensions))

    assert (found["Values"], found["StatusCode"]) == ([], "Complete")


def test_the_past_is_not_invented(cloudwatch, instance):
    value(cloudwatch, "FreeStorageSpace", DBInstanceIdentifier="metered")
    now = dt.datetime.now(dt.UTC)
    (found,) = ask(
        cloudwatch,
        query("FreeStorageSpace", DBInstanceIdentifier="metered"),
        StartTime=now - dt.timedelta(hours=3),
        EndTime=now - dt.timedelta(hours=1),
    )

    assert found["Values"] == []


def test_statistics_of_one_metric_are_answered_with_a_unit(cloudwatch, instance):
    now = dt.datetime.now(dt.UTC)
    (point, *_) = cloudwatch.get_metric_statistics(
        Namespace="AWS/RDS",
        MetricName="FreeStorageSpace",
        Dimensions=[{"Name": "DBInstanceIdentifier", "Value": "metered"}],
        StartTime=now - dt.timedelta(hours=1),
        EndTime=now,
        Period=3600,
        Statistics=["Minimum", "Average", "Maximum"],
        ExtendedStatistics=["p50"],
    )["Datapoints"]

    assert point["Unit"] == "Bytes"
    assert point["Minimum"] <= point["Average"] <= point["Maximum"]
    assert point["Minimum"] <= point["ExtendedStatistics"]["p50"] <= point["Maximum"]
    assert point["Timestamp"] <= now


def test_metrics_are_listed_by_what_reports_them(cloudwatch, instance, cluster):
    def listed(**wanted):
        pages = cloudwatch.get_paginator("list_metrics").paginate(Namespace="AWS/RDS", **wanted)
        return {(m["MetricName"], d["Name"], d["Value"]) for p in pages for m in p["Metrics"] for d in m["Dimensions"]}

    free = listed(MetricName="FreeStorageSpace")
    assert ("FreeStorageSpace", "DBInstanceIdentifier", "metered") in free
    assert not any("aurora" in name for _, _, name in free)
    of_cluster = listed(Dimensions=[{"Name": "DBClusterIdentifier", "Value": "metered-aurora"}])
    assert ("VolumeBytesUsed", "DBClusterIdentifier", "metered-aurora") in of_cluster
    assert {key for _, key, _ in of_cluster} == {"DBClusterIdentifier"}


def test_other_namespaces_are_motos(cloudwatch):
    cloudwatch.put_metric_data(Namespace="Shop", MetricData=[{"MetricName": "orders", "Value": 3}])

    (found,) = ask(
        cloudwatch, query("orders", namespace="Shop"), EndTime=dt.datetime.now(dt.UTC) + dt.timedelta(hours=1)
    )
    assert found["Values"] == [3]
    assert [m["MetricName"] for m in cloudwatch.list_metrics(Namespace="Shop")["Metrics"]] == ["orders"]
    assert cloudwatch.describe_alarms()["MetricAlarms"] == []


def test_older_clients_ask_by_form_and_are_answered_in_xml(sandbox, cloudwatch, instance):
    def ask_by_form(action, **fields):
        request = urllib.request.Request(
            sandbox.endpoint_url,
            urllib.parse.urlencode({"Action": action, "Version": "2010-08-01", **fields}).encode(),
            {"Authorization": "AWS4-HMAC-SHA256 Credential=x/20260101/eu-west-1/monitoring/aws4_request"},
        )
        with urllib.request.urlopen(request) as answer:
            return answer.read().decode()

    assert "<Value>metered</Value>" in ask_by_form("ListMetrics", Namespace="AWS/RDS")
    ask_by_form("PutMetricData", Namespace="Form", **{"MetricData.member.1.MetricName": "m"})
    assert "<MetricName>m</MetricName>" in ask_by_form("ListMetrics", Namespace="Form")


NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
RDS = query("FreeStorageSpace", DBInstanceIdentifier="metered")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        pytest.param({"StartTime": NOW}, "ValidationError", id="empty-time"),
        pytest.param({"MetricDataQueries": [RDS, RDS]}, "ValidationError", id="one-id-twice"),
        pytest.param({"MetricDataQueries": [query("x", period=30)]}, "ValidationError", id="half-a-minute"),
        pytest.param(
            {"MetricDataQueries": [RDS, query("orders", namespace="Shop")]},
            "SandboxNotImplemented",
            id="two-namespaces",
        ),
        pytest.param(
            {"MetricDataQueries": [RDS, {"Id": "e", "Expression": "freestoragespace / 2"}]},
            "SandboxNotImplemented",
            id="expression",
        ),
    ],
)
def test_a_bad_question_is_refused(cloudwatch, change, code):
    good = {"MetricDataQueries": [RDS], "StartTime": NOW - dt.timedelta(hours=1), "EndTime": NOW}

    assert code_of(cloudwatch.get_metric_data, **{**good, **change}) == code


def test_a_throttled_question_is_throttled_under_its_own_name(sandbox, cloudwatch, instance):
    from botocore.config import Config

    once = sandbox.client("cloudwatch", config=Config(retries={"max_attempts": 0}))
    sandbox.faults.switch_on("throttle", service="cloudwatch")

    with pytest.raises(ClientError) as refusal:
        ask(once, RDS)
    assert refusal.value.response["Error"]["Code"] == "ThrottlingException"
    assert [call.service for call in sandbox.log][-1] == "cloudwatch"
