"""S3 as DMS's target: what an endpoint may not be, and where, when and how files are written."""

from __future__ import annotations

import csv
import gzip
import io
import itertools
import json
import re

import pytest
from botocore.exceptions import ClientError

from sandbox.demo.lake import TRUST
from tests.sandbox.dms_lab import Task, eventually, mappings

NUMBERS = itertools.count(1)
ROLE = "arn:aws:iam::123456789012:role/nobody"
SHOP = """
create table a (id int primary key, ok boolean, n numeric, note text);
insert into a values (1, true, 1.5, 'x'), (2, null, null, null);
create table empty (id int primary key);
"""
CDC = re.compile(r"\d{8}-\d{9}\.csv")


@pytest.fixture
def bucket(sandbox):
    name = f"dms-lake-{next(NUMBERS)}"
    place = {"LocationConstraint": sandbox.region}
    sandbox.client("s3").create_bucket(Bucket=name, CreateBucketConfiguration=place)
    return name


@pytest.fixture
def role(sandbox):
    name = f"lake-{next(NUMBERS)}"
    return sandbox.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]


def create(dms, settings, **more):
    given = {"EndpointIdentifier": f"lake-{next(NUMBERS)}", "EndpointType": "target", "EngineName": "s3"}
    return dms.create_endpoint(**given | more, S3Settings=settings)["Endpoint"]["EndpointArn"]


ENOUGH = {"BucketName": "b", "ServiceAccessRoleArn": ROLE}
ORDERED = {"PreserveTransactions": True, "CdcPath": "changes"}


@pytest.mark.parametrize(
    ("settings", "more", "code"),
    [
        pytest.param({"BucketName": "b"}, {}, "InvalidParameterCombinationException", id="no-role"),
        pytest.param({"ServiceAccessRoleArn": ROLE}, {}, "InvalidParameterCombinationException", id="no-bucket"),
        pytest.param(ENOUGH, {"SslMode": "require"}, "InvalidParameterValueException", id="ssl"),
        pytest.param(ENOUGH | {"PreserveTransactions": True}, {}, "InvalidParameterCombinationException", id="no-path"),
        pytest.param(
            ENOUGH | ORDERED | {"DatePartitionEnabled": True}, {}, "InvalidParameterCombinationException", id="by-date"
        ),
        pytest.param(
            ENOUGH | {"CdcPath": "x", "AddColumnName": True}, {}, "InvalidParameterCombinationException", id="names"
        ),
        pytest.param(
            ENOUGH | {"CdcInsertsOnly": True, "CdcInsertsAndUpdates": True},
            {},
            "InvalidParameterCombinationException",
            id="inserts-only-and-updates",
        ),
        pytest.param(
            ENOUGH | {"EncryptionMode": "sse-kms"}, {}, "InvalidParameterCombinationException", id="kms-without-key"
        ),
        pytest.param(ENOUGH | {"CdcInsertsOnly": True}, {}, "SandboxNotImplemented", id="inserts-only"),
        pytest.param(ENOUGH | {"GlueCatalogGeneration": True}, {}, "SandboxNotImplemented", id="glue"),
        pytest.param(ENOUGH, {"EndpointType": "source"}, "SandboxNotImplemented", id="as-a-source"),
    ],
)
def test_an_endpoint_that_dms_or_the_sandbox_does_not_do_is_refused(sandbox, settings, more, code):
    with pytest.raises(ClientError) as refused:
        create(sandbox.client("dms"), settings, **more)

    assert refused.value.response["Error"]["Code"] == code


def test_a_description_has_the_defaults_and_a_change_keeps_what_it_does_not_name(sandbox):
    dms = sandbox.client("dms")
    arn = create(dms, ENOUGH | {"CdcMaxBatchInterval": 5})

    changed = dms.modify_endpoint(EndpointArn=arn, S3Settings={"CompressionType": "gzip"})["Endpoint"]

    told = changed["S3Settings"]
    assert (told["CdcMaxBatchInterval"], told["CompressionType"], told["CsvNullValue"]) == (5, "gzip", "NULL")
    assert "PostgreSQLSettings" not in changed
    with pytest.raises(ClientError):
        dms.modify_endpoint(EndpointArn=arn, S3Settings={"DatePartitionEnabled": True, "CdcPath": "x"})


def test_a_connection_test_tries_bucket_and_role(lab, bucket, role):
    assert (
        "no such role" in lab.tested(create(lab.dms, {**ENOUGH, "BucketName": bucket}), "failed")["LastFailureMessage"]
    )
    gone = create(lab.dms, {"BucketName": "no-such-bucket", "ServiceAccessRoleArn": role})
    assert "does not exist" in lab.tested(gone, "failed")["LastFailureMessage"]
    lab.tested(create(lab.dms, {"BucketName": bucket, "ServiceAccessRoleArn": role}))


def lake_task(lab, bucket, role, *, task=None, **settings) -> Task:
    name, source, target = lab.databases()
    source.execute(SHOP)
    ends = (
        lab.endpoint("source", name),
        create(lab.dms, {"BucketName": bucket, "ServiceAccessRoleArn": role, "BucketFolder": "f", **settings}),
    )
    for end in ends:
        lab.tested(end)
    answer = lab.dms.create_replication_task(
        ReplicationTaskIdentifier=f"lake-{next(NUMBERS)}",
        SourceEndpointArn=ends[0],
        TargetEndpointArn=ends[1],
        ReplicationInstanceArn=lab.instance,
        MigrationType="full-load-and-cdc",
        TableMappings=mappings(),
        ReplicationTaskSettings=json.dumps(task or {}),
    )
    made = Task(lab, answer["ReplicationTask"]["ReplicationTaskArn"], source, target, *ends)
    lab.made.append(made)
    made.until("ready")
    return made


def files(lab, bucket) -> dict[str, bytes]:
    s3 = lab.sandbox.client("s3")
    rows = s3.list_objects_v2(Bucket=bucket).get("Contents", ())
    return {row["Key"]: s3.get_object(Bucket=bucket, Key=row["Key"])["Body"].read() for row in rows}


def records(content: bytes) -> list[list[str]]:
    text = gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content
    return list(csv.reader(io.StringIO(text.decode(), newline="")))


def test_files_are_where_and_what_dms_makes_them_and_a_stopped_task_loses_and_doubles_nothing(lab, bucket, role):
    task = lake_task(lab, bucket, role, IncludeOpForFullLoad=True, TimestampColumnName="ts", UseCsvNoSupValue=True)
    task.start()
    task.until_loaded()
    ((key, content),) = files(lab, bucket).items()
    assert key == "f/public/a/LOAD00000001.csv"
    assert [[row[0], *row[2:]] for row in records(content)] == [
        ["I", "1", "true", "1.500000", "x"],
        ["I", "2", "NULL", "NULL", "NULL"],
    ]
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}", records(content)[0][1])

    task.source.execute("insert into a values (3, false, 2.1234567, 'a \"b\"')")
    task.until_drained()
    task.stop()
    task.source.execute("update a set note = 'y' where id = 3; update a set id = 9 where id = 2")
    task.source.execute("delete from a where id = 1; truncate empty")
    task.start("resume-processing")
    task.until_drained()
    task.source.execute("alter table a add column more int; insert into a values (4, true, 0, '', 7)")
    task.until_drained()

    changed = [key for key in files(lab, bucket) if "LOAD" not in key]
    assert all(CDC.fullmatch(key.removeprefix("f/public/a/")) for key in changed)
    rows = [row for key in sorted(changed) for row in records(files(lab, bucket)[key])]
    assert [[row[0], *row[2:]] for row in rows] == [
        ["I", "3", "false", "2.123457", 'a "b"'],
        ["U", "3", "false", "2.123457", "y"],
        ["D", "1", "NULL", "NULL", "NULL"],
        ["I", "4", "true", "0.000000", "", "7"],
    ]
    assert [row[1] for row in rows] == sorted(row[1] for row in rows)
    told = task.tables()[("public", "a")]
    assert (told["FullLoadRows"], told["Inserts"], told["Updates"], told["Deletes"]) == (2, 2, 2, 1)


def test_changes_go_into_folders_by_commit_date_and_a_load_does_not(lab, bucket, role):
    task = lake_task(
        lab,
        bucket,
        role,
        CompressionType="gzip",
        DatePartitionEnabled=True,
        DatePartitionSequence="DDMMYYYY",
        DatePartitionDelimiter="DASH",
    )
    task.start()
    task.until_loaded()
    task.source.execute("update a set note = 'z' where id = 1")
    (today,) = task.source.execute("select to_char(now() at time zone 'UTC', 'DD-MM-YYYY')").fetchone()
    task.until_drained()

    found = files(lab, bucket)

    loaded, changed = sorted(found, key=lambda key: "LOAD" not in key)
    assert loaded == "f/public/a/LOAD00000001.csv.gz"
    assert re.fullmatch(rf"f/public/a/{today}/\d{{8}}-\d{{9}}\.csv\.gz", changed)
    assert records(found[changed]) == [["U", "1", "true", "1.500000", "z"]]


def test_transactions_in_order_are_in_files_of_all_tables(lab, bucket, role):
    task = lake_task(lab, bucket, role, **ORDERED)
    task.start()
    task.until_loaded()
    task.source.execute("begin; insert into empty values (1); update a set n = 2 where id = 1; commit")
    task.source.execute("delete from empty")
    task.until_drained()

    found = {key: content for key, content in files(lab, bucket).items() if "LOAD" not in key}

    assert all(re.fullmatch(r"f/changes/CDC_TXN-\d{17}\.csv", key) for key in found)
    assert [row for key in sorted(found) for row in records(found[key])] == [
        ["I", "empty", "public", "1"],
        ["U", "a", "public", "1", "true", "2.000000", "x"],
        ["D", "empty", "public", "1"],
    ]


@pytest.mark.parametrize(
    "target",
    [
        pytest.param({"BatchApplyEnabled": True}, id="batches"),
        pytest.param({"FullLobMode": True, "LimitedSizeLobMode": False}, id="whole-lobs"),
    ],
)
def test_a_task_that_would_lose_changes_is_not_made(lab, bucket, role, target):
    with pytest.raises(ClientError, match="not supported for an S3 target"):
        lake_task(lab, bucket, role, task={"TargetMetadata": target})


def test_a_task_whose_bucket_is_gone_fails_with_its_name(lab, bucket, role):
    task = lake_task(lab, bucket, role)
    lab.sandbox.client("s3").delete_bucket(Bucket=bucket)

    task.start()

    eventually(lambda: task.status == "failed", say=lambda: task.described)
    assert bucket in task.described["LastFailureMessage"]
