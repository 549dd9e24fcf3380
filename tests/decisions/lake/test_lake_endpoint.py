"""The S3 endpoint: what is always set, what is repaired, and what is never changed under the files that are there."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pg_cdc.decisions.dms.endpoints import compare_endpoint, create_request, modify_request
from pg_cdc.decisions.dms.resources import Create, Modify, Nothing, Refuse
from pg_cdc.decisions.lake.endpoint import settings_from, wanted_lake
from tests.decisions.lake.test_lake import migration
from tests.decisions.lake.test_lake_spec import KEY, ORDERED, ROLE

OURS = {"pg-cdc:migration": "orders"}


def found(settings=None, **lake):
    wanted = wanted_lake(migration(**lake))
    return replace(wanted, arn="arn:e", tags=OURS, settings={**wanted.settings, **(settings or {})})


@pytest.mark.parametrize(
    "lake",
    [
        pytest.param({}, id="csv"),
        pytest.param({"data_format": "parquet"}, id="parquet"),
        pytest.param(ORDERED, id="transactions-in-order"),
    ],
)
def test_every_row_says_what_happened_and_when_and_rows_of_a_load_sort_first(lake):
    settings = wanted_lake(migration(**lake)).settings

    assert settings["IncludeOpForFullLoad"] is True
    assert settings["TimestampColumnName"] == "dms_committed_at"
    assert settings["UseTaskStartTimeForFullLoadTimestamp"] is True


def test_the_settings_are_those_of_the_spec():
    settings = wanted_lake(
        migration(
            folder="raw/orders",
            compression="gzip",
            encryption="sse-kms",
            kms_key_arn=KEY,
            date_partition="YYYYMMDDHH",
            date_delimiter="DASH",
            batch_seconds=5,
            min_file_size_kb=64,
        )
    ).settings

    expected = {
        "BucketName": "my-lake",
        "BucketFolder": "raw/orders",
        "ServiceAccessRoleArn": ROLE,
        "DataFormat": "csv",
        "CompressionType": "gzip",
        "EncryptionMode": "sse-kms",
        "ServerSideEncryptionKmsKeyId": KEY,
        "AddColumnName": True,
        "CsvNullValue": "\\N",
        "UseCsvNoSupValue": True,
        "CsvNoSupValue": "\\U",
        "DatePartitionEnabled": True,
        "DatePartitionSequence": "YYYYMMDDHH",
        "DatePartitionDelimiter": "DASH",
        "DatePartitionTimezone": "UTC",
        "CdcMaxBatchInterval": 5,
        "CdcMinFileSize": 64,
    }
    assert settings.items() >= expected.items()


def test_settings_of_csv_are_not_sent_with_parquet():
    settings = wanted_lake(migration(data_format="parquet", parquet_milliseconds=True)).settings

    assert settings["ParquetTimestampInMillisecond"] is True
    assert not {"AddColumnName", "CsvNullValue", "CsvNoSupValue"} & settings.keys()


def test_a_missing_endpoint_is_made_with_a_tag_and_without_a_login():
    wanted = wanted_lake(migration())

    assert compare_endpoint(migration(), wanted, None) == Create()
    request = create_request(migration(), wanted, None)
    assert request.keys() == {"EndpointIdentifier", "EndpointType", "EngineName", "S3Settings", "Tags"}
    assert (request["EngineName"], request["EndpointType"]) == ("s3", "target")


def test_one_that_is_as_wanted_is_left_alone_with_all_that_dms_adds():
    added = {"CsvRowDelimiter": "\\n", "ParquetVersion": "parquet-1-0", "CdcInsertsOnly": False}

    assert compare_endpoint(migration(), wanted_lake(migration()), found(added)) == Nothing()


def test_the_guides_spelling_of_a_word_is_the_apis():
    told = settings_from({"CompressionType": "GZIP", "EncryptionMode": "SSE_KMS", "DataFormat": "csv", "CdcPath": None})

    assert told == {"CompressionType": "gzip", "EncryptionMode": "sse-kms", "DataFormat": "csv"}


def test_what_can_be_repaired_is_sent_and_no_more():
    wanted = wanted_lake(migration())
    decision = compare_endpoint(migration(), wanted, found({"CdcMaxBatchInterval": 600, "CompressionType": "gzip"}))

    assert isinstance(decision, Modify)
    request = modify_request(wanted, "arn:e", decision.keys, None)
    assert request == {"EndpointArn": "arn:e", "S3Settings": {"CdcMaxBatchInterval": 60, "CompressionType": "none"}}


@pytest.mark.parametrize(
    ("lake", "before"),
    [
        pytest.param({}, {"BucketName": "another"}, id="another-bucket"),
        pytest.param({}, {"BucketFolder": "another"}, id="another-folder"),
        pytest.param({}, {"DataFormat": "parquet"}, id="another-format"),
        pytest.param({}, {"TimestampColumnName": "ts"}, id="another-column-for-the-time"),
        pytest.param({}, {"IncludeOpForFullLoad": False}, id="loads-that-do-not-say-what-they-are"),
        pytest.param({}, {"CsvNullValue": "NULL"}, id="another-null"),
        pytest.param({"encryption": "sse-kms", "kms_key_arn": KEY}, {"EncryptionMode": "sse-s3"}, id="towards-kms"),
    ],
)
def test_what_the_files_are_written_by_is_refused_not_changed(lake, before):
    decision = compare_endpoint(migration(**lake), wanted_lake(migration(**lake)), found(before, **lake))

    assert isinstance(decision, Refuse)


def test_dms_may_go_back_from_a_key_of_kms():
    decision = compare_endpoint(migration(), wanted_lake(migration()), found({"EncryptionMode": "sse-kms"}))

    assert isinstance(decision, Modify)
