"""DDL reaches the target through the rows of awsdms_ddl_audit, and rows in the new shape go on."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from sandbox.dms.engine import sql_text
from sandbox.dms.engine.ddl import Ddl, DdlReader
from tests.sandbox.dms_lab import Task, eventually, rule

AUDIT = """
create table awsdms_ddl_audit (
  c_key bigserial primary key, c_time timestamp, c_user varchar(64), c_txn varchar(16), c_tag varchar(24),
  c_oid integer, c_name varchar(64), c_schema varchar(64), c_ddlqry text);
create function awsdms_intercept_ddl() returns event_trigger language plpgsql security definer as $$
declare _qry text;
begin
  if tg_tag in ('CREATE TABLE', 'ALTER TABLE', 'DROP TABLE', 'CREATE TABLE AS') then
    select current_query() into _qry;
    insert into public.awsdms_ddl_audit values (default, current_timestamp, current_user,
      cast(txid_current() as varchar(16)), tg_tag, 0, '', current_schema, _qry);
    delete from public.awsdms_ddl_audit;
  end if;
end $$;
create event trigger awsdms_intercept_ddl on ddl_command_end execute procedure awsdms_intercept_ddl();
"""
TABLE = "create table t (id int primary key, v text); insert into t values (1, 'a');" + AUDIT


def columns(task: Task, table: str) -> list[tuple[str, str]]:
    query = """select attname, format_type(atttypid, atttypmod) from pg_attribute
               where attrelid = to_regclass(%s) and attnum > 0 and not attisdropped order by attnum"""
    return task.target.execute(query, (table,)).fetchall()


def started(lab, plugin: str = "test-decoding", **more) -> Task:
    task = lab.task(TABLE, source_settings={"PluginName": plugin}, **more)
    if plugin == "pglogical":
        task.source.execute("create extension pglogical")
    task.start()
    task.until_loaded()
    eventually(lambda: task.slots() and task.slots()[0][2])
    return task


@pytest.mark.parametrize("plugin", ["test-decoding", "pglogical"])
def test_a_column_comes_changes_type_is_renamed_and_goes(lab, plugin):
    task = started(lab, plugin)
    task.source.execute("alter table t add column n integer, add w varchar(9) default 'x' not null")
    task.source.execute("insert into t values (2, 'b', 5, 'w')")
    task.source.execute("alter table t alter column n type numeric")
    task.source.execute("update t set n = 1.25 where id = 2")
    task.source.execute("alter table t rename w to word")
    task.source.execute("alter table t drop column v")
    task.source.execute("insert into t values (3, 7, 'last')")
    task.until_drained()

    assert columns(task, "t") == [("id", "integer"), ("n", "numeric(28,6)"), ("word", "character varying(9)")]
    # The default of a new column is not carried over: rows that were there before have none.
    rows = task.target.execute("select id, n::float, word from t order by id").fetchall()
    assert rows == [(1, None, None), (2, 1.25, "w"), (3, 7.0, "last")]
    numbers = task.tables()["public", "t"]
    assert (numbers["Ddls"], numbers["AppliedDdls"]) == (4, 5)


@pytest.mark.parametrize("plugin", ["test-decoding", "pglogical"])
def test_a_new_table_is_made_with_its_first_rows(lab, plugin):
    task = started(lab, plugin)
    task.source.execute("create type mood as enum ('ok', 'sad')")
    task.source.execute("create table if not exists public.fresh (id int primary key, m mood default 'ok')")
    task.source.execute("insert into fresh select i from generate_series(1, 100) i")
    task.source.execute("create table copied as select * from fresh")
    task.source.execute("update fresh set m = 'sad' where id = 7")

    eventually(lambda: len(task.tables()) == 3, say=lambda: (task.described, task.tables()))
    eventually(lambda: {row["TableState"] for row in task.tables().values()} == {"Table completed"})
    task.until_drained()
    assert columns(task, "fresh") == [("id", "integer"), ("m", "character varying")]
    query = "select count(*), count(*) filter (where m = 'sad') from fresh"
    assert task.target.execute(query).fetchone() == (100, 1)
    assert task.target.execute("select count(*) from copied").fetchone() == (100,)


def test_a_dropped_table_goes_and_comes_back(lab):
    task = started(lab)
    task.source.execute("drop table t")
    task.source.execute("create table t (id int primary key, other text)")
    task.source.execute("insert into t values (9, 'new')")
    task.until_drained()

    assert task.target.execute("select * from t").fetchall() == [(9, "new")]


def test_a_renamed_table_goes_on_under_its_new_name(lab):
    task = started(lab)
    task.source.execute("alter table t rename to u; insert into u values (2, 'b')")
    task.until_drained()

    assert task.target.execute("select id from u order by id").fetchall() == [(1,), (2,)]


def test_the_logged_schema_says_where_an_unqualified_name_is(lab):
    task = lab.task(
        "create schema shop; create table shop.t (id int primary key); create table t (id int primary key);" + AUDIT
    )
    task.source.execute("grant usage on schema shop to public")
    task.start()
    task.until_loaded()
    eventually(lambda: task.slots()[0][2])
    task.source.execute("set search_path = shop, public")
    task.source.execute("alter table t add column c text")
    task.until_drained()

    assert columns(task, "shop.t") == [("id", "integer"), ("c", "text")]
    assert columns(task, "public.t") == [("id", "integer")]


@contextmanager
def commits_unseen(lab) -> Iterator[None]:
    """Keep every commit that waits for a standby in the WAL, decoded, and invisible until the end of the block."""
    (server,) = [one.server for one in lab.sandbox.rds.instances.values() if one.server.port == lab.source.port]
    with server.connect() as admin:
        admin.execute("alter system set synchronous_standby_names = 'nobody'")
        admin.execute("select pg_reload_conf()")
        eventually(lambda: admin.execute("show synchronous_standby_names").fetchone() == ("nobody",))
        try:
            yield
        finally:
            admin.execute("alter system reset synchronous_standby_names")
            admin.execute("select pg_reload_conf()")


def test_a_table_whose_commit_is_decoded_before_anybody_sees_it_is_not_missed(lab):
    task = started(lab)
    create = "create table late (id int primary key); insert into late values (1)"
    with ThreadPoolExecutor() as pool:
        with commits_unseen(lab), lab.source.connect(task.source.info.dbname) as other:
            waiting = pool.submit(task.source.execute, create)
            query = "select wait_event from pg_stat_activity where pid = %s"
            eventually(lambda: other.execute(query, (task.source.info.backend_pid,)).fetchone() == ("SyncRep",))
            time.sleep(0.5)  # long enough for the task to have decoded the commit
            assert other.execute("select to_regclass('late')").fetchone() == (None,)
        waiting.result(timeout=500)
    task.until_drained()

    assert ("public", "late") in task.tables()
    assert task.target.execute("select id from late").fetchall() == [(1,)]


def test_a_table_the_rules_do_not_take_is_left_alone(lab):
    task = started(lab, rules=(rule("public", "t"),))
    task.source.execute("create table other (id int); insert into other values (1)")
    task.until_drained()

    assert list(task.tables()) == [("public", "t")]
    assert columns(task, "other") == []


def test_commands_in_one_query_are_each_repeated_once(lab):
    task = started(lab)
    task.source.execute("alter table t add a1 int; alter table t add a2 int; insert into t values (2, 'b', 3, 4)")
    task.until_drained()

    assert task.target.execute("select a1, a2 from t where id = 2").fetchone() == (3, 4)
    assert task.target.execute("select count(*) from awsdms_apply_exceptions").fetchone() == (0,)


def test_without_capture_of_ddl_a_new_column_stays_away(lab):
    task = lab.task(TABLE, source_settings={"CaptureDdls": False})
    task.start()
    task.until_loaded()
    task.source.execute("alter table t add c int; insert into t values (2, 'b', 3)")
    task.until_drained()

    assert columns(task, "t") == [("id", "integer"), ("v", "text")]
    assert task.target.execute("select count(*) from t").fetchone() == (2,)


READS = [
    pytest.param("ALTER TABLE", "alter table t add c int", ['alter table "s"."t" add column "c" int'], id="add"),
    pytest.param(
        "ALTER TABLE",
        'ALTER TABLE IF EXISTS ONLY "T" ADD COLUMN IF NOT EXISTS "C d" numeric DEFAULT 1, DROP COLUMN IF EXISTS e',
        ['alter table "s"."T" add column "C d" numeric(28,6)', 'alter table "s"."T" drop column "e" cascade'],
        id="two-clauses",
    ),
    pytest.param(
        "ALTER TABLE",
        "alter table x.t alter a set data type varchar ( 9 ) using a::text",
        ['alter table "x"."t" alter column "a" type varchar ( 9 ) using "a"::text::varchar ( 9 )'],
        id="type",
    ),
    pytest.param(
        "ALTER TABLE", "alter table t rename a to b", ['alter table "s"."t" rename column "a" to "b"'], id="rename"
    ),
    pytest.param("ALTER TABLE", "alter table t alter a set default 3", [], id="default-is-passed-over"),
    pytest.param("ALTER TABLE", "alter table t alter a set not null", [], id="not-null-is-passed-over"),
    pytest.param("ALTER TABLE", "alter table t add primary key (a)", [], id="key-is-passed-over"),
    pytest.param("ALTER TABLE", "alter table t add constraint c check (a > 1)", [], id="constraint-is-passed-over"),
    pytest.param("ALTER TABLE", "alter table t attach partition u default", [], id="partition-is-passed-over"),
    pytest.param("DROP TABLE", "drop table if exists t /* x */ cascade", ['drop table if exists "s"."t"'], id="drop"),
    pytest.param("ALTER TABLE", "do $$ begin alter table t add c int; end $$", [], id="do-block-is-not-captured"),
]


@pytest.mark.parametrize(("tag", "text", "expected"), READS)
def test_what_a_command_becomes(tag, text, expected):
    reader = DdlReader(lambda name: None, {})

    commands = reader.read({"c_tag": tag, "c_ddlqry": text, "c_schema": "s"})

    assert [s.as_string(None) for command in commands for s in command.statements] == expected


def test_a_policy_that_says_no_leaves_the_target_alone():
    reader = DdlReader(lambda name: None, {"HandleSourceTableDropped": False, "HandleSourceTableAltered": False})

    assert reader.read({"c_tag": "DROP TABLE", "c_ddlqry": "drop table t", "c_schema": "s"}) == [Ddl(("s", "t"))]
    assert reader.read({"c_tag": "ALTER TABLE", "c_ddlqry": "alter table t add c int", "c_schema": "s"}) == [
        Ddl(("s", "t"))
    ]


def test_statements_are_split_outside_quotes_only():
    text = """a 'x;''y' "q;""r" $$d;$$ $t$;$t$ -- c;
    /* ; */ b; c"""

    assert sql_text.statements(text) == [["a", "'x;''y'", '"q;""r"', "$$d;$$", "$t$;$t$", "b"], ["c"]]
