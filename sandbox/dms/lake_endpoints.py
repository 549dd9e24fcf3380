"""Endpoints of engine s3: which settings they take, and which of them exclude each other.

Source: https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Target.S3.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.api.errors import AwsError

ENGINE = "s3"
DEFAULTS: dict[str, Any] = {
    "CsvRowDelimiter": "\\n",
    "CsvDelimiter": ",",
    "BucketFolder": "",
    "CompressionType": "none",
    "EncryptionMode": "sse-s3",
    "DataFormat": "csv",
    "ParquetVersion": "parquet-1-0",
    "EnableStatistics": True,
    "IncludeOpForFullLoad": False,
    "CdcInsertsOnly": False,
    "CdcInsertsAndUpdates": False,
    "TimestampColumnName": "",
    "UseTaskStartTimeForFullLoadTimestamp": False,
    "ParquetTimestampInMillisecond": False,
    "DatePartitionEnabled": False,
    "DatePartitionSequence": "YYYYMMDD",
    "DatePartitionDelimiter": "SLASH",
    "PreserveTransactions": False,
    "AddColumnName": False,
    "CdcMaxBatchInterval": 60,
    "CdcMinFileSize": 32000,
    "MaxFileSize": 1048576,
    "CsvNullValue": "NULL",
    "UseCsvNoSupValue": False,
    "Rfc4180": True,
}
MORE = ("BucketName", "ServiceAccessRoleArn", "ServerSideEncryptionKmsKeyId", "CdcPath", "CsvNoSupValue")
NEEDED = ("BucketName", "ServiceAccessRoleArn")
WORDS = {
    "DataFormat": ("csv", "parquet"),
    "CompressionType": ("none", "gzip"),
    "EncryptionMode": ("sse-s3", "sse-kms"),
    "ParquetVersion": ("parquet-1-0", "parquet-2-0"),
    "DatePartitionSequence": ("YYYYMMDD", "YYYYMMDDHH", "YYYYMM", "MMYYYYDD", "DDMMYYYY"),
    "DatePartitionDelimiter": ("SLASH", "UNDERSCORE", "DASH", "NONE"),
}
KNOWN = frozenset({*DEFAULTS, *MORE, "DatePartitionTimezone", "ExpectedBucketOwner"})
FIXED = ("CsvRowDelimiter", "CsvDelimiter", "ParquetVersion", "Rfc4180", "CdcInsertsOnly", "CdcInsertsAndUpdates")
"""Settings that are done here in one way only."""


def lake_settings(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return what was given."""
    return {key: value for key, value in (parameters.get("S3Settings") or {}).items() if value is not None}


def check_lake(parameters: Mapping[str, Any], settings: Mapping[str, Any]) -> None:
    """Refuse what DMS refuses, and what the sandbox does not do."""
    if str(parameters["EndpointType"]).lower() != "target":
        raise AwsError("SandboxNotImplemented", "The sandbox's DMS reads from no bucket.", status=501)
    if (parameters.get("SslMode") or "none") != "none":
        raise AwsError("InvalidParameterValueException", "SslMode is not supported for engine s3.")
    missing = [name for name in NEEDED if not settings.get(name)]
    if missing:
        raise AwsError("InvalidParameterCombinationException", f"The endpoint lacks {', '.join(missing)}")
    for name, words in WORDS.items():
        if settings.get(name, words[0]) not in words:
            raise AwsError("InvalidParameterValueException", f"Invalid {name}: {settings[name]}")
    _check_exclusions(settings)
    _refuse_undone(settings)


def _check_exclusions(settings: Mapping[str, Any]) -> None:
    ordered = [name for name in ("PreserveTransactions", "CdcPath") if settings.get(name)]
    for name in ("DatePartitionEnabled", "AddColumnName"):
        if ordered and settings.get(name):
            raise _exclude(f"{name} cannot be used together with {' or '.join(ordered)}.")
    if settings.get("PreserveTransactions") and not settings.get("CdcPath"):
        raise _exclude("PreserveTransactions needs a CdcPath.")
    if settings.get("CdcInsertsOnly") and settings.get("CdcInsertsAndUpdates"):
        raise _exclude("CdcInsertsOnly and CdcInsertsAndUpdates cannot both be true.")
    kms = settings.get("EncryptionMode") == "sse-kms"
    if kms != bool(settings.get("ServerSideEncryptionKmsKeyId")):
        raise _exclude("EncryptionMode sse-kms and ServerSideEncryptionKmsKeyId go together.")


def _refuse_undone(settings: Mapping[str, Any]) -> None:
    undone = sorted(settings.keys() - KNOWN)
    undone += [name for name in FIXED if settings.get(name, DEFAULTS[name]) != DEFAULTS[name]]
    if undone:
        raise AwsError("SandboxNotImplemented", f"The sandbox's DMS does not do {', '.join(undone)}.", status=501)


def check_lake_task(settings: Mapping[str, Any]) -> None:
    """Refuse task settings with which a task does not write to a bucket, or not all of its changes."""
    target = settings["TargetMetadata"]
    for name in ("FullLobMode", "BatchApplyEnabled"):
        if target[name]:
            raise AwsError("InvalidParameterCombinationException", f"{name} is not supported for an S3 target.")


def _exclude(text: str) -> AwsError:
    return AwsError("InvalidParameterCombinationException", text)
