"""Read a file that DMS wrote to a bucket: CSV or Parquet, plain or compressed."""

from __future__ import annotations

import csv
import gzip
import importlib.util
import io
from typing import TYPE_CHECKING

from pg_cdc.decisions.lake.files import MARKER_COLUMNS, OPERATION, Row, transaction_rows
from pg_cdc.failures import PreflightFailed

if TYPE_CHECKING:
    from pg_cdc.config.lake import Lake

GZIP = b"\x1f\x8b"


def can_read_parquet() -> bool:
    """Tell whether this Python can read Parquet."""
    return importlib.util.find_spec("pyarrow") is not None


def marker_rows(content: bytes, key: str, lake: Lake) -> list[Row]:
    """Return the rows of one file of the marker table, by column."""
    if content.startswith(GZIP):
        content = gzip.decompress(content)
    if ".parquet" in key:
        return _parquet(content)
    records = list(csv.reader(io.StringIO(content.decode(), newline="")))
    if lake.preserve_transactions and "/CDC_TXN-" in key:
        return transaction_rows(records)
    head = records.pop(0) if lake.column_names and records else [OPERATION, lake.timestamp_column, *MARKER_COLUMNS]
    return [dict(zip(head, record, strict=False)) for record in records]


def _parquet(content: bytes) -> list[Row]:
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as err:
        raise PreflightFailed(
            found="no pyarrow in this Python, and files in Parquet",
            expected="pyarrow, by which the marker row is read from them",
            next="install airflow-pg-cdc[parquet] on the workers and the triggerer, or put lake.data_format csv",
        ) from err
    rows: list[Row] = pq.read_table(pa.BufferReader(content)).to_pylist()
    return rows
