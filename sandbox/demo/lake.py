"""The demo's data lake: a bucket and the role that DMS writes with, and the tables made again from its files.

The files are read by ``docs/examples/read_lake.py``, as anybody would, and the rows put into a database on the
replica's server, where they are compared as those of a replica are.
"""

from __future__ import annotations

import importlib.util
import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import duckdb
import psycopg
from psycopg import sql

from sandbox.demo.compare import read_columns
from sandbox.demo.settings import ROOT, SCHEMA

if TYPE_CHECKING:
    from sandbox.sandbox import Sandbox

BUCKET = "shop-lake"
FOLDER = "shop"
ROLE = "pg-cdc-dms-lake"
REBUILT = "from_files"
BATCH_SECONDS = 300
"""At the demo's pace a file a second for each table that changes: a reader opens every one of them."""
NULL = "\\N"
READER = ROOT / "docs" / "examples" / "read_lake.py"
TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "dms.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
POLICY = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Action": ["s3:PutObject", "s3:DeleteObject", "s3:PutObjectTagging"],
            "Resource": f"arn:aws:s3:::{BUCKET}/*",
        },
        {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": f"arn:aws:s3:::{BUCKET}"},
    ],
}
KEYS = """
select c.relname, array_agg(a.attname order by array_position(i.indkey::int2[], a.attnum))
from pg_index i join pg_class c on c.oid = i.indrelid
join pg_attribute a on a.attrelid = c.oid and a.attnum = any (i.indkey)
where i.indisprimary and c.relnamespace = to_regnamespace(%s) group by 1
"""


def make_lake(sandbox: Sandbox) -> dict[str, Any]:
    """Make the bucket and the role, and return what a run's conf says of them."""
    place = {"LocationConstraint": sandbox.region}
    sandbox.client("s3").create_bucket(Bucket=BUCKET, CreateBucketConfiguration=place)
    iam = sandbox.client("iam")
    role = iam.create_role(RoleName=ROLE, AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]
    iam.put_role_policy(RoleName=ROLE, PolicyName="write-the-lake", PolicyDocument=json.dumps(POLICY))
    return {
        "lake_bucket": BUCKET,
        "lake_folder": FOLDER,
        "lake_role_arn": role["Arn"],
        "lake_batch_seconds": BATCH_SECONDS,
    }


def reader() -> ModuleType:
    """Return the example as a module."""
    spec = importlib.util.spec_from_file_location("read_lake", READER)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def rebuild(s3: Any, source: psycopg.Connection, connect: Callable[..., psycopg.Connection]) -> None:
    """Make every table of the shop anew in a database of its own, from nothing but the files.

    :param connect: connects to the replica's server; ``dbname``: to another database than its own.
    """
    with connect() as admin:
        admin.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(REBUILT)))
        admin.execute(sql.SQL("create database {}").format(sql.Identifier(REBUILT)))
    keys: dict[str, list[str]] = dict(source.execute(KEYS, (SCHEMA,)).fetchall())
    read = reader()
    with connect(dbname=REBUILT) as target:
        target.execute(sql.SQL("create schema {}").format(sql.Identifier(SCHEMA)))
        for table in read_columns(source, SCHEMA):
            with tempfile.TemporaryDirectory() as directory, duckdb.connect() as con:
                files = read.fetch(s3, BUCKET, f"{FOLDER}/{SCHEMA}/{table}/", Path(directory))
                if files:
                    state = read.current_state(con, files, keys.get(table, ()))
                    copy_state(state, target, table, Path(directory) / "state.csv")


def copy_state(state: duckdb.DuckDBPyRelation, target: psycopg.Connection, table: str, file: Path) -> None:
    """Put rows into a new table, all of them as text: the comparison brings both ends to one form."""
    name = sql.Identifier(SCHEMA, table)
    columns = [sql.SQL("{} text").format(sql.Identifier(column)) for column in state.columns]
    target.execute(sql.SQL("create table {} ({})").format(name, sql.SQL(", ").join(columns)))
    shown = ", ".join(map(_as_text, state.columns, state.types))
    state.project(shown).to_csv(str(file), header=False, na_rep=NULL, quoting="ALL")
    command = sql.SQL("copy {} from stdin (format csv, null {})").format(name, sql.Literal(NULL))
    with file.open("rb") as rows, target.cursor().copy(command) as sink:
        while chunk := rows.read(1 << 20):
            sink.write(chunk)


def _as_text(column: str, type_: Any) -> str:
    name = '"' + column.replace('"', '""') + '"'
    return f"'\\x' || lower(hex({name})) as {name}" if str(type_) == "BLOB" else name
