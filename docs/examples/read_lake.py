"""Show the current state of a table from the files that DMS wrote to a bucket, with DuckDB.

    python docs/examples/read_lake.py s3://my-lake/orders/ shop.customers --key id

Needs duckdb and boto3. The files are copied into a temporary folder by boto3, so that every S3 endpoint will do. To go
on with the rows, import this file and call ``current_state``.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import duckdb

OPERATION = "Op"
LOAD = "LOAD"


class CannotRead(Exception):
    """The files do not tell what the table holds now."""


def fetch(s3: Any, bucket: str, prefix: str, directory: Path) -> list[Path]:
    """Copy the data files of one table, and return them in the order in which they were written."""
    keys = [
        row["Key"]
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        for row in page.get("Contents", ())
        if row["Size"] and not row["Key"].rpartition("/")[2].startswith("_")
    ]
    files = []
    for number, key in enumerate(sorted(keys, key=_written)):
        path = directory / f"{number:08}-{key.rpartition('/')[2]}"
        path.write_bytes(s3.get_object(Bucket=bucket, Key=key)["Body"].read())
        files.append(path)
    return files


def _written(key: str) -> tuple[bool, str]:
    """What was loaded comes before what was captured, and the names of captured files are times."""
    name = key.rpartition("/")[2]
    return not name.startswith(LOAD), name


def current_state(
    con: duckdb.DuckDBPyConnection,
    files: Sequence[Path],
    key: Sequence[str],
    *,
    timestamp_column: str = "dms_committed_at",
    null: str = "\\N",
    unchanged: str = "\\U",
) -> duckdb.DuckDBPyRelation:
    """Return the rows that the table has now. ``files``: all of them, in order; ``key``: its primary key.

    The columns are those of the newest file. Within one commit time, the order in the files decides. In CSV all values
    are text.
    """
    if not files:
        raise CannotRead("no files: the table is empty, or has another name")
    read = _reader(files, null)
    names = [row[0] for row in _run(con, f"describe select * from {_reader(files[-1:], null)}")]
    if OPERATION not in names or timestamp_column not in names:
        raise CannotRead(f"no columns {OPERATION} and {timestamp_column}: are names written (lake.column_names)?")
    columns = [name for name in names if name not in (OPERATION, timestamp_column)]
    stamp = _quoted(timestamp_column)
    _run(
        con,
        "create or replace temp table changes as select *, row_number() over (order by"
        f" {stamp}, _read) as _place from (select *, row_number() over () as _read from {read})",
    )
    if not key:
        return _inserted(con, columns)
    rows = ", ".join(map(_quoted, key))
    _run(
        con,
        "create or replace temp table latest as select * from changes"
        f" qualify row_number() over (partition by {rows} order by _place desc) = 1",
    )
    text = {row[0] for row in _run(con, "describe changes") if row[1] == "VARCHAR"}
    kept = [name for name in columns if name in text and name not in key]
    _fill(con, kept, key, unchanged)
    return con.sql(
        f"select {', '.join(map(_quoted, columns))} from latest where {_quoted(OPERATION)} <> 'D' order by {rows}"
    )


def _fill(con: duckdb.DuckDBPyConnection, columns: Sequence[str], key: Sequence[str], unchanged: str) -> None:
    """Put the value of before where an update says only that it left a long one as it was."""
    rows, marker = ", ".join(map(_quoted, key)), _literal(unchanged)
    same = " and ".join(f"latest.{_quoted(name)} is not distinct from before.{_quoted(name)}" for name in key)
    for column in map(_quoted, columns):
        # In a struct, since arg_max passes over a bare NULL, and the value of before may be one.
        statement = f"""
            update latest set {column} = before.value
            from (
              select {rows}, arg_max({{'v': {column}}}, _place).v as value from changes
              where {column} is distinct from {marker}
                and ({rows}) in (select ({rows}) from latest where {column} = {marker})
              group by {rows}
            ) as before
            where latest.{column} = {marker} and {same}"""
        _run(con, statement)


def _inserted(con: duckdb.DuckDBPyConnection, columns: Sequence[str]) -> duckdb.DuckDBPyRelation:
    """Return all rows of a table without a key: nothing says which of them an update or a delete means."""
    ((others,),) = _run(con, f"select count(*) from changes where {_quoted(OPERATION)} <> 'I'")
    if others:
        raise CannotRead(f"{others} updates or deletes, and no key to find their rows by")
    return con.sql(f"select {', '.join(map(_quoted, columns))} from changes order by _place")


def _run(con: duckdb.DuckDBPyConnection, statement: str) -> list[tuple[Any, ...]]:
    """Run a statement and take its whole result: DuckDB begins no other before that."""
    rows: list[tuple[Any, ...]] = con.execute(statement).fetchall()
    return rows


def _reader(files: Iterable[Path], null: str) -> str:
    """Return the table function that reads files of one format; a column that a file lacks is NULL there."""
    names = [str(file) for file in files]
    listed = "[" + ", ".join(map(_literal, names)) + "]"
    if names[0].endswith(".parquet"):
        return f"read_parquet({listed}, union_by_name = true)"
    return (
        f"read_csv({listed}, union_by_name = true, header = true, all_varchar = true, parallel = false, delim = ',',"
        f" quote = '\"', escape = '\"', nullstr = {_literal(null)}, allow_quoted_nulls = false)"
    )


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def main() -> None:
    """Print the table."""
    import boto3

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", help="the migration's folder, such as s3://my-lake/orders/")
    parser.add_argument("table", help="schema and name, such as shop.customers")
    parser.add_argument("--key", default="", help="columns of the primary key, by commas")
    parser.add_argument("--timestamp-column", default="dms_committed_at", help="lake.timestamp_column of the spec")
    parser.add_argument("--null", default="\\N", help="lake.csv_null_value of the spec")
    parser.add_argument("--unchanged", default="\\U", help="lake.csv_unchanged_value of the spec")
    given = parser.parse_args()
    bucket, _, folder = given.folder.removeprefix("s3://").strip("/").partition("/")
    schema, _, table = given.table.partition(".")
    prefix = "/".join(part for part in (folder, schema, table) if part) + "/"
    with tempfile.TemporaryDirectory() as directory, duckdb.connect() as con:
        files = fetch(boto3.client("s3"), bucket, prefix, Path(directory))
        current_state(
            con,
            files,
            [name for name in given.key.split(",") if name],
            timestamp_column=given.timestamp_column,
            null=given.null,
            unchanged=given.unchanged,
        ).show(max_width=200)


if __name__ == "__main__":
    main()
