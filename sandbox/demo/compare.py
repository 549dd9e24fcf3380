"""Say whether two ends of a replication hold the same rows: count and digest, table by table.

The digest is a sum of row hashes: it finds a changed, lost, doubled or swapped value, not an attacker. It looks past
the types DMS gives the target (enum as varchar, jsonb as text, numeric as numeric(28,6)): each column is brought to one
form.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import psycopg
from psycopg import sql

FORMS = {
    "integer": "{}::bigint",
    "numeric": "{}::numeric",
    "float": "{}::double precision",
    "json": '({}::jsonb)::text collate "C"',
    "bytes": "md5({}::bytea)",
    "instant": "{}::timestamptz at time zone 'UTC'",
    "timestamp": "{}::timestamp",
    "date": "{}::date",
    "padded": 'rtrim({}::text) collate "C"',
    "text": '{}::text collate "C"',
}
"""One form for each family, chosen by the source's type and used on both ends. With TimeZone UTC on both."""

AS_TEXT = {"numeric": "trim_scale({}::numeric)"}
"""Where rows are compared as text: 1.5 and 1.500000, which are one value, have two texts."""

FAMILIES = {
    **dict.fromkeys(("int2", "int4", "int8"), "integer"),
    "numeric": "numeric",
    **dict.fromkeys(("float4", "float8"), "float"),
    **dict.fromkeys(("json", "jsonb"), "json"),
    "bytea": "bytes",
    "timestamptz": "instant",
    "timestamp": "timestamp",
    "date": "date",
    "bpchar": "padded",
}

COLUMNS = """
select c.relname, a.attname, coalesce(base.typname, t.typname)
from pg_class c
join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
join pg_type t on t.oid = a.atttypid
left join pg_type base on t.typtype = 'd' and base.oid = t.typbasetype
where c.relnamespace = to_regnamespace(%s) and c.relkind = 'r'
order by c.relname, a.attnum
"""

HASH = "select count(*), coalesce(sum(hash_record_extended(row({columns}), 0)), 0) from {table}"
MD5 = "select count(*), coalesce(sum(('x' || left(md5(row({columns})::text), 16))::bit(64)::bigint), 0) from {table}"
FIRST_WITH_RECORD_HASH = 140000


class CannotCompare(Exception):
    """There is nothing to compare, or the stream cannot be shown to be drained."""


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What comparing one table said. ``reason`` is empty when it is equal."""

    schema: str
    table: str
    source_rows: int | None
    target_rows: int | None
    reason: str = ""

    @property
    def equal(self) -> bool:
        """Tell whether both ends hold the same rows."""
        return not self.reason


Columns = dict[str, dict[str, str]]
"""Table to column to type name."""


def read_columns(conn: psycopg.Connection, schema: str) -> Columns:
    """Return the ordinary tables and partitions of ``schema``, with a domain as its base type."""
    tables: Columns = {}
    for table, column, type_name in conn.execute(COLUMNS, (schema,)):
        tables.setdefault(table, {})[column] = type_name
    return tables


def digest_query(schema: str, table: str, columns: dict[str, str], *, record_hash: bool) -> sql.Composed:
    """Return the query for row count and digest of ``table``. ``columns``: the source's, in the order to hash."""
    known = FORMS if record_hash else FORMS | AS_TEXT
    forms = [sql.SQL(known[FAMILIES.get(kind, "text")]).format(sql.Identifier(name)) for name, kind in columns.items()]
    text = HASH if record_hash else MD5
    return sql.SQL(text).format(columns=sql.SQL(", ").join(forms), table=sql.Identifier(schema, table))


def compare_schema(source: psycopg.Connection, target: psycopg.Connection, schema: str) -> list[Verdict]:
    """Compare every table of ``schema`` that the source has. Nobody may write meanwhile."""
    ends = (source, target)
    for conn in ends:
        conn.execute("set timezone = 'UTC'")
        conn.execute("set extra_float_digits = 1")
    wanted, found = (read_columns(conn, schema) for conn in ends)
    if not wanted:
        raise CannotCompare(f"the source has no table in schema {schema}")
    record_hash = all(conn.info.server_version >= FIRST_WITH_RECORD_HASH for conn in ends)
    with ThreadPoolExecutor(max_workers=2) as pool:
        return [
            _compare_table(pool, ends, schema, table, columns, found.get(table), record_hash)
            for table, columns in wanted.items()
        ]


def _compare_table(
    pool: ThreadPoolExecutor,
    ends: tuple[psycopg.Connection, psycopg.Connection],
    schema: str,
    table: str,
    columns: dict[str, str],
    found: dict[str, str] | None,
    record_hash: bool,
) -> Verdict:
    if reason := _shape(columns, found):
        return Verdict(schema=schema, table=table, source_rows=None, target_rows=None, reason=reason)
    query = digest_query(schema, table, columns, record_hash=record_hash)
    source, target = pool.map(lambda conn: conn.execute(query).fetchone(), ends)
    reason = ""
    if source[0] != target[0]:
        reason = f"{source[0]} rows on the source, {target[0]} on the target"
    elif source[1] != target[1]:
        reason = "same number of rows, different content"
    return Verdict(schema=schema, table=table, source_rows=source[0], target_rows=target[0], reason=reason)


def _shape(wanted: Iterable[str], found: Iterable[str] | None) -> str:
    if found is None:
        return "no such table on the target"
    if missing := sorted(set(wanted) - set(found)):
        return f"columns missing on the target: {', '.join(missing)}"
    if extra := sorted(set(found) - set(wanted)):
        return f"columns only on the target: {', '.join(extra)}"
    return ""


def drain(source: psycopg.Connection, *, timeout: float = 60) -> tuple[str, float]:
    """Wait until every logical slot of this database confirmed what is written by now; return that LSN and the seconds.

    :raises CannotCompare: there is no slot, or it stays behind.
    """
    started = time.monotonic()
    lsn = source.execute("select pg_current_wal_lsn()::text").fetchone()[0]  # type: ignore[index]
    while True:
        behind = source.execute(
            "select count(*), coalesce(max(pg_wal_lsn_diff(%s::pg_lsn, confirmed_flush_lsn)), 0)::bigint"
            " from pg_replication_slots where slot_type = 'logical' and database = current_database()",
            (lsn,),
        ).fetchone()
        if behind is None or not behind[0]:
            raise CannotCompare("the source has no logical slot: nothing streams")
        if behind[1] <= 0:
            return lsn, round(time.monotonic() - started, 2)
        if time.monotonic() - started > timeout:
            raise CannotCompare(f"a slot is still {behind[1]} bytes short of {lsn} after {timeout:.0f} s")
        time.sleep(0.1)
