"""The S3 endpoint of a spec, and what in an existing one is never changed. Pure.

Source: https://docs.aws.amazon.com/dms/latest/APIReference/API_S3Settings.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pg_cdc.config import Migration
from pg_cdc.config.lake import DataFormat
from pg_cdc.decisions import names
from pg_cdc.decisions.dms.endpoints import S3, Endpoint
from pg_cdc.decisions.lake.files import folder


def wanted_lake(migration: Migration) -> Endpoint:
    """Return the target endpoint of a spec that names a bucket."""
    return Endpoint(
        identifier=names.endpoint(migration.name, "target"),
        end="target",
        engine=S3,
        database="",
        settings=dict(_settings(migration)),
    )


def _settings(migration: Migration) -> Iterator[tuple[str, object]]:
    """Yield the settings. What they leave out is as DMS has it: every one of its defaults is off or without effect."""
    lake = migration.lake
    yield "BucketName", lake.bucket
    yield "BucketFolder", folder(migration)
    yield "ServiceAccessRoleArn", lake.role_arn
    yield "DataFormat", lake.data_format.value
    yield "CompressionType", lake.compression.value
    yield "EncryptionMode", lake.encryption.value
    if lake.kms_key_arn:
        yield "ServerSideEncryptionKmsKeyId", lake.kms_key_arn
    # Rows of a load say then too what happened to them, and sort before the changes that follow them.
    yield "IncludeOpForFullLoad", True
    yield "TimestampColumnName", lake.timestamp_column
    yield "UseTaskStartTimeForFullLoadTimestamp", True
    yield "CdcMaxBatchInterval", lake.batch_seconds
    yield "CdcMinFileSize", lake.min_file_size_kb
    if lake.data_format is DataFormat.CSV:
        yield from _csv(migration)
    else:
        yield "ParquetTimestampInMillisecond", lake.parquet_milliseconds
    yield "DatePartitionEnabled", lake.date_partition is not None
    if lake.date_partition:
        yield "DatePartitionSequence", lake.date_partition.value
        yield "DatePartitionDelimiter", lake.date_delimiter.value
        yield "DatePartitionTimezone", lake.date_time_zone or "UTC"
    yield "PreserveTransactions", lake.preserve_transactions
    if lake.cdc_path:
        yield "CdcPath", lake.cdc_path


def _csv(migration: Migration) -> Iterator[tuple[str, object]]:
    lake = migration.lake
    yield "AddColumnName", lake.column_names
    yield "CsvNullValue", lake.csv_null_value
    yield "UseCsvNoSupValue", True
    yield "CsvNoSupValue", lake.csv_unchanged_value


WORDS = frozenset({"DataFormat", "CompressionType", "EncryptionMode"})
"""The guide writes their values in capitals and with underscores, the API without."""


def settings_from(found: Mapping[str, object]) -> dict[str, object]:
    """Return S3Settings as DMS describes them, in the API's spelling."""
    return {
        key: str(value).lower().replace("_", "-") if key in WORDS else value
        for key, value in found.items()
        if value is not None
    }
