"""What room is left is read as the storage is; where it cannot be, that is said, and nothing fails."""

from __future__ import annotations

import pytest
from botocore.exceptions import ConnectTimeoutError

from pg_cdc.decisions.world import Database, Engine, Member
from pg_cdc.facts.slots.storage import AURORA_VOLUME_BYTES, read_storage
from pg_cdc.hooks.cloudwatch import CdcCloudWatchHook, Metric, Sample

GIB = 1024**3


def database(engine: Engine) -> Database:
    writer = Member(
        identifier="shop-1",
        arn="",
        writer=True,
        status="available",
        host="",
        port=5432,
        instance_class="",
        parameter_group="",
        apply_status="in-sync",
    )
    return Database(
        identifier="shop",
        engine=engine,
        version="15.4",
        status="available",
        arn="",
        host="",
        port=5432,
        master_user="",
        members=(writer,),
    )


@pytest.fixture
def told(monkeypatch, watched):
    """What CloudWatch says, by metric, or what it raises; and what it was asked."""

    class Answers(dict):
        asked: tuple[Metric, ...] = ()

    answers = Answers()

    def newest(self, metrics):
        answers.asked = tuple(metrics.values())
        if "error" in answers:
            raise answers["error"]
        return {key: answers[metric.name] for key, metric in metrics.items() if metric.name in answers}

    monkeypatch.setattr(CdcCloudWatchHook, "newest", newest)
    return answers


def test_an_instance_has_its_own_disk(watched, told):
    told["FreeStorageSpace"] = Sample(value=7.5 * GIB, age_seconds=120)

    storage = read_storage(watched.migration, database(Engine.RDS), None)

    assert (storage.free_bytes, storage.max_slot_wal_keep_bytes) == (int(7.5 * GIB), None)
    assert storage.how == "FreeStorageSpace of shop, 2 min old"
    assert [(one.dimension, one.identifier) for one in told.asked] == [("DBInstanceIdentifier", "shop-1")]


def test_aurora_has_a_volume_that_ends_somewhere(watched, told):
    told["VolumeBytesUsed"] = Sample(value=3 * GIB, age_seconds=300)
    told["FreeLocalStorage"] = Sample(value=21.5 * GIB, age_seconds=60)

    storage = read_storage(watched.migration, database(Engine.AURORA), 10 * GIB)

    assert storage.free_bytes == AURORA_VOLUME_BYTES - 3 * GIB
    assert storage.max_slot_wal_keep_bytes == 10 * GIB
    assert storage.how == (
        "128 TiB less VolumeBytesUsed of shop, 5 min old; 21.5 GiB of local storage for what decoding spills"
    )
    assert ("DBClusterIdentifier", "shop") in {(one.dimension, one.identifier) for one in told.asked}


@pytest.mark.parametrize("engine", list(Engine))
def test_a_metric_that_is_not_there_is_said(watched, told, engine):
    storage = read_storage(watched.migration, database(engine), 5)

    assert (storage.free_bytes, storage.max_slot_wal_keep_bytes) == (None, 5)
    assert "CloudWatch has no recent" in storage.how


def test_a_cloudwatch_that_gives_no_answer_hides_nothing(watched, told):
    told["error"] = ConnectTimeoutError(endpoint_url="https://monitoring.example.com")

    storage = read_storage(watched.migration, database(Engine.RDS), 5)

    assert (storage.free_bytes, storage.max_slot_wal_keep_bytes) == (None, 5)
    assert "could not be asked" in storage.how


def test_a_cloudwatch_that_refuses_is_said_by_its_code(watched, sandbox):
    sandbox.faults.switch_on("throttle", service="*", calls=20)

    storage = read_storage(watched.migration, database(Engine.RDS), None)

    assert storage.how == "free storage is not known: CloudWatch said ThrottlingException"


def test_the_free_space_of_a_real_instance_is_its_disk_less_what_it_holds(watched):
    """AllocatedStorage is 20 GB, and the data directory is small."""
    storage = watched.facts().storage

    assert 15 * GIB < storage.free_bytes < 20 * GIB
    assert storage.how.startswith("FreeStorageSpace of watched, ")


def test_only_the_newest_value_counts():
    from datetime import UTC, datetime, timedelta
    from types import SimpleNamespace

    now = datetime.now(UTC)
    row = {"Id": "free", "Timestamps": [now - timedelta(minutes=m) for m in (9, 2, 5)], "Values": [9.0, 2.0, 5.0]}
    asked = {}
    client = SimpleNamespace(get_metric_data=lambda **given: asked.update(given) or {"MetricDataResults": [row]})
    hook = CdcCloudWatchHook(client_type="cloudwatch")
    vars(hook)["conn"] = client
    metric = Metric(name="FreeStorageSpace", dimension="DBInstanceIdentifier", identifier="shop-1")

    found = hook.newest({"free": metric, "nothing": metric})

    assert list(found) == ["free"]
    assert found["free"].value == 2.0
    assert found["free"].age_seconds == pytest.approx(120, abs=10)
    assert asked["MetricDataQueries"][0]["MetricStat"]["Metric"]["Namespace"] == "AWS/RDS"
