"""Data moves as DMS moves it: nothing lost, nothing doubled, under a writing application."""

from __future__ import annotations

import contextlib
import random
import threading
from collections.abc import Iterator

import psycopg
import pytest

from tests.sandbox.dms_lab import Task, eventually, rule

PLUGINS = ["test-decoding", "pglogical"]
NASTY = """
create type mood as enum ('sad', 'ok', 'it''s "fine"');
create domain email as text check (value ~ '@');
create domain cents as integer;
create schema "Übung";
create table orders (
  id bigint generated always as identity primary key, state mood, mail email, paid cents,
  amount numeric, price numeric(10, 2), doc jsonb, raw json, tags text[], grid integer[][], photo bytea,
  at timestamptz, day date, span interval, ok boolean, ratio double precision, flags bit(4), id2 uuid,
  total numeric(12, 2) generated always as (price * 2) stored, note text);
create table "Übung"."Größe ""X"" 5%" (id integer, "Mixed 100%" text, "select" varchar(20), primary key (id, "select"));
create table nokey (a integer, b text);
create table whole (a integer, b text, c json);
alter table whole replica identity full;
create table events (id bigint, at date, body text, primary key (id, at)) partition by range (at);
create table events_2024 partition of events for values from ('2024-01-01') to ('2025-01-01');
create table events_2025 partition of events for values from ('2025-01-01') to ('2026-01-01');
"""
TABLES = ["orders", '"Übung"."Größe ""X"" 5%"', "nokey", "events_2024", "events_2025"]
TEXTS = ["", "plain", "it's", 'a "quoted" one', "line\nbreak\ttab", "back\\slash", "äöü€😀", "null", "x'] b[text]:'y"]
INSERT = """
insert into orders (state, mail, paid, amount, price, doc, raw, tags, grid, photo, at, day, span, ok, ratio, flags,
                    id2, note)
select (enum_range(null::mood))[1 + floor(random() * 3)::int], 'a@' || md5(random()::text), (random() * 1000)::int,
  round((random() * 1000)::numeric, 3), (random() * 1000)::numeric(10, 2),
  jsonb_build_object('t', %(text)s::text, 'n', 1.50), json_build_array(%(text)s::text, null),
  array[%(text)s, null, 'b'], '{{1,2},{3,null}}', decode(md5(random()::text), 'hex'),
  now() - random() * interval '900 days', current_date, interval '1 day 02:03:04.5', random() > 0.5, random(),
  b'1010', gen_random_uuid(),
  repeat(%(text)s::text || md5(random()::text), case when random() > 0.8 then 300 else 1 end)
from generate_series(1, %(rows)s)
"""
ODD = '"Übung"."Größe ""X"" 5%%"'


def fill(connection: psycopg.Connection, rows: int = 200) -> None:
    for text in TEXTS:
        connection.execute(INSERT, {"text": text, "rows": rows})
        connection.execute(f"insert into {ODD} select coalesce(max(id), 0) + 1, %s, 's' from {ODD}", (text,))
    connection.execute("insert into events select i, date '2024-06-01' + i, 'e' || i from generate_series(1, 300) i")
    connection.execute("insert into nokey select i, 'n' || i from generate_series(1, 50) i")
    connection.execute("insert into whole select i % 3, 'w', '{}' from generate_series(1, 9) i")


def write(connection: psycopg.Connection, dice: random.Random) -> None:
    """One transaction of the application."""
    with connection.transaction(force_rollback=dice.random() < 0.1):
        connection.execute(INSERT, {"text": dice.choice(TEXTS), "rows": dice.randint(1, 3)})
        one = "(select id from orders order by random() limit 1)"
        connection.execute(f"update orders set price = price + 1, state = 'ok', at = now() where id = {one}")
        connection.execute(f"update orders set note = null, tags = '{{}}' where id = {one}")
        connection.execute(f"delete from orders where id = {one}")
        connection.execute("insert into nokey values (%s, %s)", (dice.randint(1, 9), dice.choice(TEXTS)))
        connection.execute(
            f'update {ODD} set "Mixed 100%%" = %s where id = %s',
            (dice.choice(TEXTS), dice.randint(1, 9)),
        )
        connection.execute("update events set body = body || 'x' where id = %s", (dice.randint(1, 300),))


@contextlib.contextmanager
def application(task: Task, writers: int = 2) -> Iterator[None]:
    """Write all the time, from several connections."""
    stop, errors = threading.Event(), []

    def work(number: int) -> None:
        dice = random.Random(number)
        try:
            with task.lab.source.connect(task.source.info.dbname) as connection:
                while not stop.is_set():
                    write(connection, dice)
        except psycopg.Error as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(writers)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert not errors


def content(connection: psycopg.Connection, table: str) -> list[tuple]:
    """The rows as text. Numeric without scale comes back with six digits, so it is compared as a number."""
    query = f"select * from {table} t"
    with connection.cursor(row_factory=psycopg.rows.dict_row) as cursor:
        rows = cursor.execute(query).fetchall()
    return sorted(str({k: float(v) if k == "amount" else str(v) for k, v in row.items()}) for row in rows)


def assert_equal(task: Task, tables: list[str]) -> None:
    for table in tables:
        assert content(task.source, table) == content(task.target, table), table


@pytest.mark.parametrize("plugin", PLUGINS)
def test_load_and_stream_of_a_nasty_schema_end_equal(lab, plugin):
    task = lab.task(NASTY, source_settings={"PluginName": plugin})
    if plugin == "pglogical":
        task.source.execute("create extension pglogical")
    fill(task.source)
    with application(task):
        task.start()
        task.until_loaded()
        threading.Event().wait(1)
    task.until_drained()

    assert_equal(task, TABLES)
    stats, told = task.described["ReplicationTaskStats"], task.tables()
    assert (stats["FullLoadProgressPercent"], stats["TablesLoaded"], stats["TablesErrored"]) == (100, 6, 0)
    assert {row["TableState"] for row in told.values()} == {"Table completed"}
    assert ("public", "events") not in told
    assert told["public", "orders"]["AppliedInserts"] > 0
    assert [slot[1:] for slot in task.slots()] == [
        ({"pglogical": "pglogical_output"}.get(plugin, "test_decoding"), True)
    ]
    task.stop()
    task.delete()
    assert task.slots() == []


@pytest.mark.parametrize("plugin", PLUGINS)
def test_updates_and_deletes_without_a_key_are_lost_unless_whole_rows_are_logged(lab, plugin):
    task = lab.task(NASTY, source_settings={"PluginName": plugin})
    if plugin == "pglogical":
        task.source.execute("create extension pglogical")
    fill(task.source, 1)
    task.start()
    task.until_loaded()
    before = content(task.target, "nokey")
    task.source.execute("update nokey set b = 'changed'; delete from nokey where a = 1")
    task.source.execute("update whole set b = 'changed' where a = 1; delete from whole where a = 2")
    task.until_drained()

    assert content(task.target, "nokey") == before
    equal = content(task.source, "whole") == content(task.target, "whole")
    assert equal == (plugin == "test-decoding")


def test_a_changed_key_and_a_truncate_do_not_reach_the_target(lab):
    task = lab.task("create table t (id int primary key, v text); insert into t values (1, 'a'), (2, 'b')")
    task.start()
    task.until_loaded()
    task.source.execute("update t set id = 3 where id = 1")
    task.source.execute("truncate t")
    task.until_drained()

    assert task.target.execute("select id from t order by id").fetchall() == [(1,), (2,)]


def test_the_target_gets_columns_and_key_in_types_that_dms_maps(lab):
    task = lab.task(NASTY, kind="full-load")
    task.start()
    task.until("stopped")
    types = dict(
        task.target.execute(
            "select attname, format_type(atttypid, atttypmod) from pg_attribute where attrelid = 'orders'::regclass "
            "and attnum > 0"
        ).fetchall()
    )

    assert types["state"] == "character varying"
    assert types["mail"] == "text"
    assert types["amount"] == "numeric(28,6)"
    assert types["tags"] == "text[]"
    assert types["price"] == "numeric(10,2)"
    key = "select pg_get_constraintdef(oid) from pg_constraint where conrelid = 'orders'::regclass"
    assert task.target.execute(key).fetchall() == [("PRIMARY KEY (id)",)]


@pytest.mark.parametrize(
    ("lobs", "length"),
    [
        pytest.param({}, 16384, id="limited-to-32-kb-by-default"),
        pytest.param({"LobMaxSize": 64}, 32768, id="limited-as-asked"),
        pytest.param({"FullLobMode": True, "LimitedSizeLobMode": False}, 40000, id="full"),
    ],
)
def test_limited_lob_mode_cuts_long_text_in_silence(lab, lobs, length):
    schema = "create table t (id int primary key, v text); insert into t values (1, repeat('x', 40000))"
    task = lab.task(schema, settings={"TargetMetadata": lobs})
    task.start()
    task.until_loaded()
    task.source.execute("insert into t values (2, repeat('y', 40000))")
    task.until_drained()

    assert task.target.execute("select length(v) from t order by id").fetchall() == [(length,), (length,)]


@pytest.mark.parametrize(
    ("mode", "found"),
    [
        pytest.param("DROP_AND_CREATE", [(1, "new")], id="drop-and-create"),
        pytest.param("TRUNCATE_BEFORE_LOAD", [(1, "new")], id="truncate"),
        pytest.param("DO_NOTHING", [(1, "new"), (9, "old")], id="do-nothing"),
    ],
)
def test_prep_mode_decides_what_becomes_of_an_existing_table(lab, mode, found):
    schema = "create table t (id int primary key, v text); insert into t values (1, 'new')"
    task = lab.task(schema, kind="full-load", settings={"FullLoadSettings": {"TargetTablePrepMode": mode}})
    task.target.execute("create table t (id int primary key, v text, extra int); insert into t values (9, 'old')")
    task.start()

    described = task.until("stopped")

    assert described["StopReason"] == "Stop Reason FULL_LOAD_ONLY_FINISHED"
    assert task.target.execute("select id, v from t order by id").fetchall() == found
    columns = "select count(*) from information_schema.columns where table_name = 't'"
    assert task.target.execute(columns).fetchone() == (2 if mode == "DROP_AND_CREATE" else 3,)


def test_a_table_that_cannot_be_loaded_is_in_error_and_the_others_go_on(lab):
    schema = "create table a (id int primary key); insert into a values (1); create table b (id int)"
    task = lab.task(schema, kind="full-load", settings={"FullLoadSettings": {"TargetTablePrepMode": "DO_NOTHING"}})
    task.target.execute("create table a (id int primary key); insert into a values (1)")
    task.start()
    stats = task.until("stopped")["ReplicationTaskStats"]

    assert (stats["TablesLoaded"], stats["TablesErrored"]) == (1, 1)
    assert {key[1]: row["TableState"] for key, row in task.tables().items()} == {
        "a": "Table error",
        "b": "Table completed",
    }


def test_a_change_that_cannot_be_applied_is_written_down_and_the_task_goes_on(lab):
    task = lab.task("create table t (id int primary key, v text); insert into t values (1, 'a')")
    task.start()
    task.until_loaded()
    task.target.execute("delete from t; insert into t values (7, 'mine')")
    task.source.execute(
        "update t set v = 'b' where id = 1; insert into t values (7, 'c'); insert into t values (8, 'd')"
    )
    task.until_drained()

    found = task.target.execute('select "TABLE_NAME", "ERROR" from awsdms_apply_exceptions order by 2').fetchall()
    assert [row[0] for row in found] == ["t", "t"]
    assert found[0][1] == "0 rows affected"
    assert "duplicate key" in found[1][1]
    assert task.target.execute("select id, v from t order by id").fetchall() == [(7, "mine"), (8, "d")]
    numbers = task.tables()["public", "t"]
    assert (numbers["Inserts"], numbers["AppliedInserts"], numbers["Updates"]) == (2, 1, 1)


def test_rules_choose_tables_and_awsdms_tables_never_go(lab):
    schema = "create table a (); create table ab (); create table a_b (); create table awsdms_x ()"
    rules = (rule("public", "a%"), rule("public", "a[_]b", number=2, action="exclude"))
    task = lab.task(schema, kind="full-load", rules=rules)
    task.start()
    task.until("stopped")

    assert [key[1] for key in task.tables()] == ["a", "ab"]


def test_a_heartbeat_row_is_kept_alive_on_the_source(lab):
    task = lab.task(
        "create table t (id int primary key)", source_settings={"HeartbeatEnable": True, "HeartbeatFrequency": 1}
    )
    task.start()
    task.until_loaded()
    query = "select hb_last_heartbeat_at from awsdms_heartbeat"
    first = eventually(lambda: task.source.execute(query).fetchone() if _has(task, "awsdms_heartbeat") else None)

    eventually(lambda: task.source.execute(query).fetchone() != first)
    assert not task.target.execute("select to_regclass('awsdms_heartbeat')").fetchone()[0]


def _has(task: Task, table: str) -> bool:
    return task.source.execute("select to_regclass(%s)", (table,)).fetchone()[0] is not None
