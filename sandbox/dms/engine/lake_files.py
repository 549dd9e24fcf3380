"""Files as DMS writes them: values as PostgreSQL's text in, CSV or Parquet out."""

from __future__ import annotations

import gzip
import io
import re
from collections.abc import Iterable, Sequence
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

from sandbox.dms.engine.lake_target import LakeTarget

DIGITS = re.compile(r"(?:numeric)\((\d+),(\d+)\)")
PLAIN = {
    "smallint": "int16",
    "integer": "int32",
    "bigint": "int64",
    "real": "float32",
    "double precision": "float64",
    "boolean": "bool_",
    "date": "date32",
}
TIMES = ("timestamp without time zone", "timestamp with time zone")
TRUTH = {"t": "true", "f": "false"}
SPECIAL = re.compile(r'[,"\r\n]')
BLOCK = 64 << 20
"""Larger than any row: pyarrow does not read a row that is longer than its block."""

Value = str | None


class Unchanged:
    """Stands for a value that an update left as it was and that is not in the log."""


UNCHANGED = Unchanged()
Cell = str | Unchanged | None


def as_text(value: str, type_: str) -> str:
    """Return a decoded value as files have it: one spelling of truth, numbers without precision rounded as DMS does."""
    if type_ == "boolean":
        return TRUTH.get(value, value)
    if type_ == "numeric(28,6)":
        try:
            number = Decimal(value)
            return str(number.quantize(Decimal("0.000001"), ROUND_HALF_UP)) if number.is_finite() else value
        except InvalidOperation:
            return value
    return value


def csv_line(cells: Iterable[Cell], target: LakeTarget) -> str:
    """Return one row by RFC 4180."""
    null = target.settings["CsvNullValue"]
    unchanged = target.unchanged or null
    return ",".join(_field(cell, null, unchanged) for cell in cells) + "\n"


def _field(cell: Cell, null: str, unchanged: str) -> str:
    if cell is None:
        return null
    if isinstance(cell, Unchanged):
        return unchanged
    if SPECIAL.search(cell) or cell in (null, unchanged):
        return '"' + cell.replace('"', '""') + '"'
    return cell


def file_of(target: LakeTarget, names: Sequence[str], types: Sequence[str], lines: Sequence[str]) -> tuple[str, bytes]:
    """Return the ending and the content of a file. ``lines``: rows as CSV, with ``types`` by ``names``."""
    text = "".join(lines)
    if target.parquet:
        return ".parquet", _parquet(target, names, types, text)
    head = csv_line(names, target) if target.settings["AddColumnName"] else ""
    return zipped(target, ".csv", (head + text).encode())


def zipped(target: LakeTarget, ending: str, content: bytes) -> tuple[str, bytes]:
    """Return a CSV file, compressed if that is asked for."""
    if target.settings["CompressionType"] == "gzip":
        return f"{ending}.gz", gzip.compress(content, compresslevel=1)
    return ending, content


def _parquet(target: LakeTarget, names: Sequence[str], types: Sequence[str], text: str) -> bytes:
    """Read the rows back from CSV, which C++ does, and give each column its type."""
    import pyarrow as pa
    from pyarrow import csv, parquet

    places = [f"f{number}" for number in range(len(names))]
    read = csv.read_csv(
        io.BytesIO(text.encode()),
        read_options=csv.ReadOptions(column_names=places, block_size=BLOCK),
        parse_options=csv.ParseOptions(newlines_in_values=True),
        convert_options=csv.ConvertOptions(
            column_types=dict.fromkeys(places, pa.string()),
            null_values=[target.settings["CsvNullValue"]],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
        ),
    )
    milliseconds = target.settings["ParquetTimestampInMillisecond"]
    columns = [
        _typed(read.column(place), type_, milliseconds=milliseconds) for place, type_ in zip(places, types, strict=True)
    ]
    sink = io.BytesIO()
    compression = "gzip" if target.settings["CompressionType"] == "gzip" else "none"
    parquet.write_table(pa.table(columns, names=list(names)), sink, version="1.0", compression=compression)
    return sink.getvalue()


def _typed(column: Any, type_: str, *, milliseconds: bool) -> Any:
    """Return the column in the Parquet type of a PostgreSQL type; what has none is text."""
    import pyarrow as pa

    if type_ == "bytea":
        return pa.array([None if v is None else bytes.fromhex(v[2:]) for v in column.to_pylist()], pa.binary())
    if type_.startswith("timestamp"):
        unit = "ms" if milliseconds else "us"
        texts = pa.array([None if v is None else v.removesuffix("+00") for v in column.to_pylist()], pa.string())
        return _cast(_cast(texts, pa.timestamp("us")), pa.timestamp(unit))
    if type_ in PLAIN:
        return _cast(column, getattr(pa, PLAIN[type_])())
    if found := DIGITS.fullmatch(type_):
        precision, scale = map(int, found.groups())
        return _cast(column, pa.decimal128(precision, scale)) if precision <= 38 else column
    return column


def _cast(column: Any, wanted: Any) -> Any:
    """Cast; a value that the type does not hold, such as infinity, becomes NULL and costs no other its value."""
    import pyarrow as pa

    try:
        return column.cast(wanted, safe=False)
    except pa.ArrowInvalid:
        return pa.array([_one(value, wanted) for value in column.to_pylist()], wanted)


def _one(value: Any, wanted: Any) -> Any:
    import pyarrow as pa

    try:
        return None if value is None else pa.scalar(value).cast(wanted).as_py()
    except pa.ArrowInvalid:
        return None
