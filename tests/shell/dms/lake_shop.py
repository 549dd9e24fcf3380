"""A shop with values that make files stumble, its bucket, and its state as the files tell it."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import duckdb

from sandbox.demo.compare import compare_schema, drain
from sandbox.demo.lake import KEYS, TRUST, copy_state, reader

NUMBERS = itertools.count(1)
THINGS = """
create type shop.mood as enum ('sad', 'ok');
create table shop.things (
  id int, part varchar(8), mood shop.mood, n numeric, price numeric(10,2), doc jsonb, at timestamptz, raw bytea,
  list text[], flag boolean, code char(4), on_day date, at_time timestamp, f real, g double precision, note text,
  body text, primary key (id, part)
);
alter table shop.things alter body set storage external;
insert into shop.things (id, part, mood, n, price, doc, at, raw, list, flag, code, on_day, at_time, f, g, note, body)
values
  (1, 'a', 'sad', 1.5, 2.50, '{"b": 1, "a": [1, null]}', '2026-01-01 10:00+02', '\\x00ff', '{1,null,"a b"}', true,
   'ab', '2026-02-03', '2026-02-03 04:05:06.789012', 0.125, 1e100, E'two\\nlines, "quoted"', repeat('lang ', 2000)),
  (1, 'b', 'ok', -0.000001, null, null, null, '', '{}', false, '', null, null, -1, 'infinity', '', repeat('x', 9000)),
  (2, 'a', null, null, null, '"x"', '2026-06-01 00:00+00', null, null, null, null, null, null, null, null, '\\N', null),
  (3, 'a', 'ok', 7, 7, null, null, null, null, true, 'x', null, null, 1, 1, 'goes', 'and comes');
create table shop.seen (path text, millis int);
insert into shop.seen values ('/', 1), ('/', 1), (null, null);
grant select on all tables in schema shop to app_dms;
"""
CHANGES = (
    "update shop.things set note = 'later' where id = 1",
    "update shop.things set note = null, flag = not flag where (id, part) = (1, 'a')",
    "begin; update shop.things set n = 2 where id = 2; update shop.things set n = 3.123457 where id = 2; commit",
    "begin; delete from shop.things where id = 3; insert into shop.things (id, part) values (3, 'a'); commit",
    "insert into shop.things (id, part, note, body) values (4, 'z', 'in \"and\" out', repeat('y', 9000))",
    "insert into shop.things (id, part) values (5, 'z'); delete from shop.things where id = 5",
    "insert into shop.seen values ('/again', 2)",
    "delete from shop.orders where id <= 10",
    "alter table shop.customers add column level int; update shop.customers set level = id where id < 5",
)


def put_in_lake(world: Any, **lake: Any) -> str:
    """Make a bucket and a role, let the migration write there in place of its database, and return that one's name."""
    sandbox, name = world.sandbox, f"lake-{next(NUMBERS)}"
    place = {"LocationConstraint": sandbox.region}
    sandbox.client("s3").create_bucket(Bucket=name, CreateBucketConfiguration=place)
    role = sandbox.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]
    database = world.spec.pop("target")["database"]
    world.spec["lake"] = {"bucket": name, "role_arn": role["Arn"], **lake}
    world.share_instance()
    return str(database)


def keys(world: Any) -> list[str]:
    """Return the keys of the bucket."""
    pages = world.sandbox.client("s3").get_paginator("list_objects_v2").paginate(Bucket=world.migration.lake.bucket)
    return [row["Key"] for page in pages for row in page.get("Contents", ())]


def state_of(world: Any, table: str, directory: Path, key: list[str]) -> list[tuple[Any, ...]]:
    """Return the rows that the files tell of a table."""
    read, lake = reader(), world.migration.lake
    directory.mkdir()
    with duckdb.connect() as con:
        prefix = f"{world.spec['name']}/shop/{table}/"
        files = read.fetch(world.sandbox.client("s3"), lake.bucket, prefix, directory)
        return read.current_state(con, files, key).fetchall()


def unequal(world: Any, scratch: str, directory: Path) -> dict[str, str]:
    """Return the tables whose files tell something else than the source has, once the stream is drained."""
    read, s3, bucket = reader(), world.sandbox.client("s3"), world.migration.lake.bucket
    with world.source.connect(world.spec["source"]["database"]) as source, world.target.connect(scratch) as target:
        drain(source)
        target.execute("drop schema if exists shop cascade; create schema shop")
        primary = dict(source.execute(KEYS, ("shop",)).fetchall())
        for table in ("customers", "orders", "things", "seen"):
            place = directory / table
            place.mkdir(parents=True)
            with duckdb.connect() as con:
                files = read.fetch(s3, bucket, f"{world.spec['name']}/shop/{table}/", place)
                copy_state(read.current_state(con, files, primary.get(table, ())), target, table, place / "state")
        verdicts = compare_schema(source, target, "shop")
    return {verdict.table: verdict.reason for verdict in verdicts if not verdict.equal}
