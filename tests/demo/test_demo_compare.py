import psycopg
import pytest

from sandbox.demo.compare import CannotCompare, compare_schema, digest_query, drain

SOURCE_SQL = """
create schema t;
create type t.mood as enum ('sad', 'ok');
create domain t.short as varchar(9);
create table t."Ärger" (
  id int primary key, mood t.mood, name t.short, n numeric, doc jsonb, at timestamptz, raw bytea, list int[],
  flag boolean, code char(4), twice int generated always as (id * 2) stored, on_day date, at_time timestamp, f real
);
insert into t."Ärger" (id, mood, name, n, doc, at, raw, list, flag, code, on_day, at_time, f) values
  (1, 'sad', 'a', 1.5, '{"b": 1, "a": [1, null]}', '2026-01-01 10:00+02', '\\x00ff', '{1,null}', true, 'ab', '2026-02-03', '2026-02-03 04:05', 0.125),
  (2, 'ok', null, 2, null, null, null, null, null, null, null, null, null),
  (3, null, 'c', null, '1', '2026-01-01 10:00+00', '', '{}', false, '', null, null, 1);
create table t.no_key (a int, b int);
insert into t.no_key values (1, null), (1, null), (2, 3);
"""  # noqa: E501
TARGET_SQL = """
create schema t;
create table t."Ärger" (
  id int primary key, mood varchar(3), name varchar(9), n numeric(28,6), doc text, at timestamp with time zone, raw bytea,
  list text, flag varchar(5), code varchar(4), twice int, on_day date, at_time timestamp, f real
);
insert into t."Ärger" values
  (1, 'sad', 'a', 1.500000, '{"a": [1, null], "b": 1}', '2026-01-01 08:00+00', '\\x00ff', '{1,NULL}', 'true', 'ab  ', 2, '2026-02-03', '2026-02-03 04:05', 0.125),
  (2, 'ok', null, 2, null, null, null, null, null, null, 4, null, null, null),
  (3, null, 'c', null, '1', '2026-01-01 10:00+00', '', '{}', 'false', '', 6, null, null, 1);
create table t.no_key (a int, b int);
insert into t.no_key values (2, 3), (1, null), (1, null);
"""  # noqa: E501


@pytest.fixture(scope="module")
def server(make_instance):
    return make_instance("compare", database="postgres")


@pytest.fixture
def ends(server):
    with server.connect("postgres") as admin:
        for name, statements in (("left_end", SOURCE_SQL), ("right_end", TARGET_SQL)):
            admin.execute(f"drop database if exists {name} with (force)")
            admin.execute(f"create database {name}")
            with server.connect(name) as conn:
                conn.execute(statements)
    with server.connect("left_end") as source, server.connect("right_end") as target:
        yield source, target


def unequal(ends: tuple[psycopg.Connection, psycopg.Connection]) -> dict[str, str]:
    return {verdict.table: verdict.reason for verdict in compare_schema(*ends, "t") if not verdict.equal}


def test_same_rows_are_equal_through_the_types_dms_gives_the_target(ends):
    verdicts = compare_schema(*ends, "t")

    assert [(v.table, v.source_rows, v.target_rows, v.equal) for v in verdicts] == [
        ("no_key", 3, 3, True),
        ("Ärger", 3, 3, True),
    ]


CONTENT = "same number of rows, different content"


@pytest.mark.parametrize(
    ("damage", "table", "reason"),
    [
        pytest.param("update t.no_key set b = 4 where a = 2", "no_key", CONTENT, id="changed-value"),
        pytest.param(
            "delete from t.no_key where a = 2", "no_key", "3 rows on the source, 2 on the target", id="lost-row"
        ),
        pytest.param(
            "insert into t.no_key values (2, 3)", "no_key", "3 rows on the source, 4 on the target", id="doubled-row"
        ),
        pytest.param("update t.no_key set a = b, b = a where a = 1", "no_key", CONTENT, id="null-in-another-column"),
        pytest.param("update t.no_key set a = 2, b = 3", "no_key", CONTENT, id="other-row-doubled-same-count"),
        pytest.param("""update t."Ärger" set name = '' where id = 2""", "Ärger", CONTENT, id="empty-for-null"),
        pytest.param("""update t."Ärger" set mood = 'ok' where id = 1""", "Ärger", CONTENT, id="other-enum-label"),
        pytest.param("""update t."Ärger" set n = n + 0.000001""", "Ärger", CONTENT, id="sixth-decimal"),
        pytest.param("""update t."Ärger" set doc = '{"a": [1], "b": 1}' where id = 1""", "Ärger", CONTENT, id="json"),
        pytest.param("""update t."Ärger" set at = at + '1 us' where id = 1""", "Ärger", CONTENT, id="microsecond"),
        pytest.param("""update t."Ärger" set raw = '\\x00fe' where id = 1""", "Ärger", CONTENT, id="one-bit"),
        pytest.param("""update t."Ärger" set list = '{NULL,1}' where id = 1""", "Ärger", CONTENT, id="array-order"),
        pytest.param("""update t."Ärger" set flag = 'false' where id = 1""", "Ärger", CONTENT, id="boolean"),
        pytest.param("drop table t.no_key", "no_key", "no such table on the target", id="table-missing"),
        pytest.param(
            "alter table t.no_key drop column b", "no_key", "columns missing on the target: b", id="column-missing"
        ),
        pytest.param(
            "alter table t.no_key add column c int", "no_key", "columns only on the target: c", id="column-too-many"
        ),
    ],
)
def test_a_difference_is_found_in_its_table_only(ends, damage, table, reason):
    ends[1].execute(damage)

    assert unequal(ends) == {table: reason}


def test_sessions_with_other_settings_give_the_same_verdict(ends):
    ends[0].execute("set timezone = 'Asia/Tokyo'")
    ends[1].execute("set bytea_output = 'escape'")

    assert unequal(ends) == {}


def test_digest_without_record_hash_finds_a_swap_too(ends):
    columns = {"a": "int4", "b": "int4"}
    query = digest_query("t", "no_key", columns, record_hash=False)
    same = [conn.execute(query).fetchone() for conn in ends]
    ends[1].execute("update t.no_key set a = b, b = a where a = 1")
    after = ends[1].execute(query).fetchone()

    assert same[0] == same[1] != after


def test_an_empty_schema_is_not_equal_but_an_error(ends):
    with pytest.raises(CannotCompare, match="no table"):
        compare_schema(*ends, "nowhere")


def test_draining_without_a_slot_is_an_error(ends):
    with pytest.raises(CannotCompare, match="no logical slot"):
        drain(ends[0])
