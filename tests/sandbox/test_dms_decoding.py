"""The decoders read what PostgreSQL's plugins write, whatever the values and names are."""

from __future__ import annotations

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import sql

from sandbox.dms.engine import decoding_pglogical, decoding_test
from sandbox.dms.engine.changes import UNCHANGED, Begin, Change, Commit, Kind, lsn, lsn_text
from sandbox.dms.engine.statements import quoted

LINES = [
    pytest.param(
        """table public.t: INSERT: id[integer]:1 v[text]:'it''s' n[numeric]:1.50 x[text]:null""",
        Change(Kind.INSERT, ("public", "t"), None, {"id": "1", "v": "it's", "n": "1.50", "x": None}),
        id="insert",
    ),
    pytest.param(
        """table "Ä b"."c""d.e": INSERT: "I d"[integer]:1 "x[y]:z"[character varying]:'null'""",
        Change(Kind.INSERT, ("Ä b", 'c"d.e'), None, {"I d": "1", "x[y]:z": "null"}),
        id="quoted-names",
    ),
    pytest.param(
        """table public.t: INSERT: a[integer[]]:'{1,2}' b["Mixed]".mood]:'ok' c[bit]:B'101' d[boolean]:true""",
        Change(Kind.INSERT, ("public", "t"), None, {"a": "{1,2}", "b": "ok", "c": "101", "d": "true"}),
        id="types-with-brackets",
    ),
    pytest.param(
        """table public.t: UPDATE: id[integer]:1 big[text]:unchanged-toast-datum same[text]:'unchanged-toast-datum'""",
        Change(Kind.UPDATE, ("public", "t"), None, {"id": "1", "big": UNCHANGED, "same": "unchanged" + "-toast-datum"}),
        id="unchanged-toast-is-not-its-text",
    ),
    pytest.param(
        """table public.t: UPDATE: old-key: id[integer]:1 new-tuple: id[integer]:2 v[text]:' new-tuple: x[int]:1'""",
        Change(Kind.UPDATE, ("public", "t"), {"id": "1"}, {"id": "2", "v": " new-tuple: x[int]:1"}),
        id="old-key",
    ),
    pytest.param(
        """table public.t: DELETE: id[integer]:1""",
        Change(Kind.DELETE, ("public", "t"), {"id": "1"}, None),
        id="delete",
    ),
    pytest.param(
        """table public.t: DELETE: (no-tuple-data)""", Change(Kind.DELETE, ("public", "t"), None, None), id="no-key"
    ),
    pytest.param("table public.t, public.u: TRUNCATE: (no-flags)", None, id="truncate"),
    pytest.param("BEGIN 7", Begin(), id="begin"),
    pytest.param("COMMIT 7", Commit(99), id="commit"),
]


@pytest.mark.parametrize(("line", "expected"), LINES)
def test_a_line_of_test_decoding(line, expected):
    assert decoding_test.Decoder().decode(line.encode(), 99) == expected


def test_an_unchanged_value_is_told_from_its_own_words():
    line = "table public.t: UPDATE: a[text]:unchanged-toast-datum b[text]:'unchanged-toast-datum'"

    new = decoding_test.Decoder().decode(line.encode(), 0).new

    assert new["a"] is UNCHANGED
    assert new["b"] is not UNCHANGED


@pytest.mark.parametrize("text", ["0/0", "0/16B3748", "4AF/B00000D0", "FFFFFFFF/FFFFFFFF"])
def test_a_position_is_written_as_it_was_read(text):
    assert lsn_text(lsn(text)) == text


@pytest.fixture(scope="module")
def slots(home):
    """Two slots, one of each plugin, on one database."""
    name, connection, other = home.databases()
    other.close()
    connection.execute("create extension pglogical")
    decoding_pglogical.create_sets(connection, name)
    for plugin, slot in (("test_decoding", f"{name}_t"), ("pglogical_output", f"{name}_p")):
        connection.execute("select pg_create_logical_replication_slot(%s, %s)", (slot, plugin))
    yield name, connection
    for slot in (f"{name}_t", f"{name}_p"):
        connection.execute("select pg_drop_replication_slot(%s)", (slot,))
    connection.close()


NAME = st.text(st.characters(blacklist_characters="\x00", blacklist_categories=("Cs",)), min_size=1, max_size=12)
TEXT = st.none() | st.text(st.characters(blacklist_characters="\x00", blacklist_categories=("Cs",)), max_size=60)


@given(table=NAME, column=NAME.filter(lambda name: name not in ("id", "tags")), first=TEXT, second=TEXT)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_name_and_any_value_come_back_through_both_plugins(slots, table, column, first, second):
    name, connection = slots
    where, what = sql.Identifier("public", table), sql.Identifier(column)
    filled, named = quoted("public", table), quoted(column)
    with connection.transaction():
        connection.execute(sql.SQL("drop table if exists {} cascade").format(where))
        columns = sql.SQL("create table {} (id int primary key, {} text, tags text[])").format(where, what)
        connection.execute(columns)
        decoding_pglogical.add_tables(connection, name, [(("public", table), True)])
    connection.execute(sql.SQL("insert into {} values (1, %s, array[%s])").format(filled), (first, second))
    connection.execute(sql.SQL("update {} set id = 2, {} = %s").format(filled, named), (second,))
    connection.execute(sql.SQL("delete from {}").format(where))
    (tags,) = connection.execute("select array[%s]::text[]::text", (second,)).fetchone()

    for changes in (read_test(connection, name), read_pglogical(connection, name)):
        assert [change.kind for change in changes] == [Kind.INSERT, Kind.UPDATE, Kind.DELETE]
        assert {change.table for change in changes} == {("public", table)}
        assert changes[0].new == {"id": "1", column: first, "tags": tags}
        assert (changes[1].old or {})["id"] == "1"
        assert changes[1].new == {"id": "2", column: second, "tags": tags}
        assert (changes[2].old or {})["id"] == "2"


def read_test(connection: psycopg.Connection, name: str) -> list[Change]:
    options = [text for pair in decoding_test.options().items() for text in pair]
    query = "select data from pg_logical_slot_get_changes(%s, null, null, variadic %s::text[])"
    rows = connection.execute(query, (f"{name}_t", options)).fetchall()
    decoder = decoding_test.Decoder()
    found = [decoder.decode(row[0].encode(), 0) for row in rows]
    return [change for change in found if isinstance(change, Change) and change.table[0] == "public"]


def read_pglogical(connection: psycopg.Connection, name: str) -> list[Change]:
    options = [text for pair in decoding_pglogical.options(name).items() for text in pair]
    query = "select data from pg_logical_slot_get_binary_changes(%s, null, null, variadic %s::text[])"
    rows = connection.execute(query, (f"{name}_p", options)).fetchall()
    decoder = decoding_pglogical.Decoder()
    found = [decoder.decode(bytes(row[0]), 0) for row in rows]
    return [change for change in found if isinstance(change, Change)]
