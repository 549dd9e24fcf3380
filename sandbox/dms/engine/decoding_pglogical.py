"""Read the native protocol of the pglogical_output plugin, and keep the sets that tell it what to send.

Source: pglogical_proto_native.c of pglogical 2
"""

from __future__ import annotations

import datetime as dt
import struct
from collections.abc import Iterable
from typing import Any

import psycopg

from sandbox.dms.engine.changes import UNCHANGED, Begin, Change, Commit, Kind, Row
from sandbox.dms.engine.progress import TableName

EPOCH = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)
"""PostgreSQL counts its time stamps from here."""

KINDS = {ord("I"): Kind.INSERT, ord("U"): Kind.UPDATE, ord("D"): Kind.DELETE}


def options(slot: str) -> dict[str, str]:
    """Return what the plugin is asked for: values as text, tables of the slot's two sets."""
    return {
        "startup_params_format": "1",
        "min_proto_version": "1",
        "max_proto_version": "1",
        "expected_encoding": "UTF8",
        "pglogical.replication_set_names": f"{slot},i{slot}",
    }


class Decoder:
    """Turns payloads into changes; remembers the relations that were announced."""

    def __init__(self) -> None:
        self._relations: dict[int, tuple[TableName, list[str]]] = {}

    def decode(self, payload: bytes, position: int) -> Begin | Commit | Change | None:
        """Return what one message says."""
        kind = payload[0]
        if kind == ord("B"):
            return Begin()
        if kind == ord("C"):
            end, microseconds = struct.unpack_from("!qq", payload, 10)
            return Commit(end, EPOCH + dt.timedelta(microseconds=microseconds))
        if kind == ord("R"):
            self._announce(payload)
        return self._change(payload) if kind in KINDS else None

    def _announce(self, payload: bytes) -> None:
        (relation,) = struct.unpack_from("!I", payload, 2)
        schema, at = _short(payload, 6)
        table, at = _short(payload, at)
        (count,) = struct.unpack_from("!H", payload, at + 1)
        at += 3
        names = []
        for _ in range(count):
            (length,) = struct.unpack_from("!H", payload, at + 3)
            names.append(payload[at + 5 : at + 4 + length].decode())
            at += 5 + length
        self._relations[relation] = ((schema, table), names)

    def _change(self, payload: bytes) -> Change:
        (relation,) = struct.unpack_from("!I", payload, 2)
        table, names = self._relations[relation]
        tuples: dict[str, Row] = {}
        at = 6
        while at < len(payload):
            which = chr(payload[at])
            tuples[which], at = _tuple(payload, at + 1, names)
        return Change(KINDS[payload[0]], table, old=tuples.get("K"), new=tuples.get("N"))


def _short(payload: bytes, at: int) -> tuple[str, int]:
    end = at + 1 + payload[at]
    return payload[at + 1 : end - 1].decode(), end


def _tuple(payload: bytes, at: int, names: list[str]) -> tuple[Row, int]:
    row: Row = {}
    at += 3
    for name in names:
        form = payload[at : at + 1]
        at += 1
        if form == b"t":
            (length,) = struct.unpack_from("!I", payload, at)
            row[name] = payload[at + 4 : at + 3 + length].decode()
            at += 4 + length
        else:
            row[name] = UNCHANGED if form == b"u" else None
    return row, at


def create_sets(connection: psycopg.Connection[Any], slot: str) -> bool:
    """Make the slot's two replication sets, and the node when there is none; tell whether the node was made."""
    made = _ensure_node(connection)
    query = "select pglogical.create_replication_set(%s, %s, %s, %s, %s)"
    connection.execute(query, (slot, False, True, True, False))
    connection.execute(query, (f"i{slot}", True, False, False, True))
    return made


def add_tables(connection: psycopg.Connection[Any], slot: str, tables: Iterable[tuple[TableName, bool]]) -> bool:
    """Put tables into the sets; tell whether one was new. The flag: its updates and deletes can be sent."""
    added = False
    for (schema, table), keyed in tables:
        name = psycopg.sql.Identifier(schema, table).as_string(connection)
        for chosen in (slot, f"i{slot}") if keyed else (f"i{slot}",):
            try:
                connection.execute("select pglogical.replication_set_add_table(%s, %s)", (chosen, name))
                added = True
            except psycopg.errors.UniqueViolation:
                continue
    return added


def drop_sets(connection: psycopg.Connection[Any], slot: str, *, node: bool) -> None:
    """Drop the slot's sets; ``node``: and the node, which this task made."""
    for name in (slot, f"i{slot}"):
        connection.execute("select pglogical.drop_replication_set(%s, true)", (name,))
    if node:
        (name,) = connection.execute("select node_name from pglogical.pglogical_node_info()").fetchone() or ("",)
        connection.execute("select pglogical.drop_node(%s, true)", (name,))


def _ensure_node(connection: psycopg.Connection[Any]) -> bool:
    try:
        connection.execute("select pglogical.pglogical_node_info()")
        return False
    except psycopg.errors.ObjectNotInPrerequisiteState:
        info = connection.info
        interface = f"host={info.host} port={info.port} dbname={info.dbname}"
        connection.execute("select pglogical.create_node(%s, %s)", ("awsdms_node", interface))
        return True
