"""What excludes what in an S3 target, of what a spec says alone. Pure.

Source: https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Target.S3.html#CHAP_Target.S3.Limitations
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pg_cdc.decisions.problem import Problem

if TYPE_CHECKING:
    from pg_cdc.config.lake import Lake

RESERVED = ("Op",)
"""The column in which DMS says what happened to a row."""


def lake_problems(lake: Lake) -> Iterator[Problem]:
    """Yield everything that contradicts itself. Without a bucket nothing of it is used."""
    if lake.bucket is None:
        return
    if lake.role_arn is None:
        expected = "the ARN of the IAM role by which DMS writes to the bucket"
        yield Problem(where="role_arn", found="nothing beside bucket", expected=expected)
    if lake.timestamp_column in RESERVED:
        yield Problem(where="timestamp_column", found=lake.timestamp_column, expected="a name that DMS does not use")
    if lake.csv_null_value == lake.csv_unchanged_value:
        both = f"{lake.csv_null_value!r}, as csv_null_value is"
        yield Problem(where="csv_unchanged_value", found=both, expected="another: NULL is a value, unchanged is none")
    yield from _encryption(lake)
    yield from _partitions(lake)


def _encryption(lake: Lake) -> Iterator[Problem]:
    if lake.encryption == "sse-kms" and lake.kms_key_arn is None:
        yield Problem(where="kms_key_arn", found="nothing", expected="the ARN of a KMS key: encryption is sse-kms")
    if lake.encryption != "sse-kms" and lake.kms_key_arn is not None:
        yield Problem(where="kms_key_arn", found="a key", expected=f"none: encryption is {lake.encryption}")


def _partitions(lake: Lake) -> Iterator[Problem]:
    """Transaction files are one kind for all tables: they have neither a date's folder nor a table's columns."""
    if lake.date_time_zone and not lake.date_partition:
        yield Problem(where="date_time_zone", found=lake.date_time_zone, expected="date_partition beside it")
    if lake.cdc_path and not lake.preserve_transactions:
        yield Problem(where="cdc_path", found=lake.cdc_path, expected="preserve_transactions true, or no cdc_path")
    if not lake.preserve_transactions:
        return
    if not lake.cdc_path:
        yield Problem(where="cdc_path", found="nothing", expected="a folder for the transaction files")
    if lake.date_partition:
        expected = "empty: DMS does not take it together with preserve_transactions"
        yield Problem(where="date_partition", found=lake.date_partition.value, expected=expected)
    if lake.column_names:
        expected = "false: DMS does not take it together with preserve_transactions"
        yield Problem(where="column_names", found="true", expected=expected)
    if lake.data_format == "parquet":
        expected = "csv: DMS writes transaction files as CSV only, and one format is enough for a reader"
        yield Problem(where="data_format", found="parquet", expected=expected)
