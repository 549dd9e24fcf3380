"""The marker's rows are read from whatever format the files have."""

from __future__ import annotations

import gzip
import io
import sys

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pg_cdc.decisions.lake.files import newest_token
from pg_cdc.facts.lake.files import marker_rows
from pg_cdc.failures import PreflightFailed
from tests.decisions.lake.test_lake import migration
from tests.decisions.lake.test_lake_spec import ORDERED

NAMES = ("Op", "dms_committed_at", "migration", "token", "stream", "written_at", "seen_seconds")
ROW = ("U", "2026-11-26 10:00:00.000000", "orders", "t1", 'a "stream", of', "2026-11-26 09:59:59+00", "\\N")
PLAIN = 'U,2026-11-26 10:00:00.000000,orders,t1,"a ""stream"", of",2026-11-26 09:59:59+00,\\N\n'
NAMED = ",".join(NAMES) + "\n" + PLAIN
IN_ORDER = 'U,marker,pgcdc,2026-11-26 10:00:00.000000,orders,t1,"a ""stream"", of",2026-11-26,\\N\n'


def parquet() -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.table({name: [value] for name, value in zip(NAMES, ROW, strict=True)}), sink)
    return sink.getvalue()


@pytest.mark.parametrize(
    ("content", "key", "lake"),
    [
        pytest.param(NAMED.encode(), "pgcdc/marker/1.csv", {}, id="csv"),
        pytest.param(PLAIN.encode(), "pgcdc/marker/1.csv", {"column_names": False}, id="csv-without-names"),
        pytest.param(gzip.compress(NAMED.encode()), "pgcdc/marker/1.csv.gz", {}, id="csv-compressed"),
        pytest.param(parquet(), "pgcdc/marker/1.parquet", {"data_format": "parquet"}, id="parquet"),
        pytest.param(IN_ORDER.encode(), "orders/changes/CDC_TXN-1.csv", ORDERED, id="transactions-in-order"),
    ],
)
def test_the_token_is_found(content, key, lake):
    rows = marker_rows(content, key, migration(**lake).lake)

    assert newest_token(rows, "orders", timestamp_column="dms_committed_at") == "t1"


def test_an_empty_file_has_no_rows():
    assert marker_rows(b"", "pgcdc/marker/1.csv", migration().lake) == []


def test_without_pyarrow_parquet_is_refused_with_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)

    with pytest.raises(PreflightFailed, match=r"airflow-pg-cdc\[parquet\]"):
        marker_rows(b"PAR1", "pgcdc/marker/1.parquet", migration(data_format="parquet").lake)
