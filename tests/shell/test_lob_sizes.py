"""The largest values of LOB columns in what DMS counts, and infinite dates, measured on a real table."""

from __future__ import annotations

import pytest

from pg_cdc.config import Migration
from pg_cdc.decisions.preflight.unseen import unseen_findings
from pg_cdc.facts import infinite_dates, lob_sizes
from pg_cdc.facts.ends import read_source
from pg_cdc.facts.infinite_dates import count_infinite_dates
from pg_cdc.facts.lob_sizes import largest_lobs
from pg_cdc.facts.postgres import read_tables
from pg_cdc.facts.shapes import read_shapes
from pg_cdc.hooks.postgres import connect_source

TABLE = """
CREATE TABLE shop."Odd ""docs" (
  id integer PRIMARY KEY, ascii text, umlauts text, clefs text, "a b" jsonb, tags text[], raw bytea, none text,
  n numeric
);
INSERT INTO shop."Odd ""docs" VALUES
  (1, repeat('x', 1000), repeat('ü', 1000), repeat(U&'\\+01D11E', 1000), '"xxxxx"', '{a,b}', decode('00ff', 'hex')),
  (2, 'short', 'short', 'short', 'null', '{}', '')
"""


@pytest.fixture
def migration(source) -> Migration:
    return Migration.model_validate(source.migration)


@pytest.fixture
def conn(migration):
    with connect_source(migration, read_source(migration)) as conn:
        conn.execute(TABLE)
        yield conn


def measured(conn, migration) -> dict[str, int]:
    columns = [column for column in read_shapes(conn, migration).columns if column.table == 'Odd "docs']
    return {name: size for (_, _, name), size in largest_lobs(conn, columns).items()}


def test_a_character_counts_two_bytes_one_beyond_the_basic_plane_four_and_a_byte_one(conn, migration):
    assert measured(conn, migration) == {
        "ascii": 2000, "umlauts": 2000, "clefs": 4000, "a b": 14, "tags": 10, "raw": 2, "none": 0,
    }  # fmt: skip


def test_one_query_measures_all_columns_of_a_table(conn, migration, monkeypatch):
    columns = read_shapes(conn, migration).columns
    asked = []
    execute = type(conn).execute

    def record(self, query, *rest):
        if self is conn:
            asked.append(query)
        return execute(self, query, *rest)

    monkeypatch.setattr(type(conn), "execute", record)

    largest_lobs(conn, [column for column in columns if column.table == 'Odd "docs'])

    assert len(asked) == len(["set the timeout", "measure", "reset it"])


def test_what_cannot_be_read_in_time_is_left_out_rather_than_taken_for_small(conn, migration, source, monkeypatch):
    monkeypatch.setattr(lob_sizes, "TIMEOUT", "300ms")
    with source.admin() as other, other.transaction():
        other.execute('LOCK TABLE shop."Odd ""docs" IN ACCESS EXCLUSIVE MODE')

        assert measured(conn, migration) == {}


def test_what_may_not_be_read_is_left_out(conn, migration, source):
    columns = [column for column in read_shapes(conn, migration).columns if column.table == 'Odd "docs']
    with source.login(source.app) as app:
        assert largest_lobs(app, columns) == {}


DATES = """
CREATE DOMAIN shop.any_day AS date;
CREATE DOMAIN shop.day AS shop.any_day;
CREATE TABLE shop."Odd ""dates" (id integer, a date, "b c" timestamptz, d shop.day, e timestamp, f interval);
INSERT INTO shop."Odd ""dates" VALUES
  (1, 'infinity', '-infinity', 'infinity', '2026-01-01', '1 day'), (2, '-infinity', '2026-01-01', NULL, NULL, NULL);
"""


@pytest.fixture
def dated(conn, migration):
    """``dated()``: what is counted in the one table of odd dates."""
    conn.execute(DATES)

    def count() -> dict[str, int | None]:
        found = count_infinite_dates(conn, migration, read_tables(conn))
        return {name: number for (_, table, name), number in found.items() if table == 'Odd "dates'}

    return count


def test_infinite_values_are_counted_in_one_pass_over_each_table_and_the_cure_ends_them(dated, conn, migration):
    assert dated() == {"a": 2, "b c": 1, "d": 1, "e": 0}

    counted = count_infinite_dates(conn, migration, read_tables(conn))
    (finding,) = (one for one in unseen_findings(migration, {}, counted) if one.code == "infinite_date")
    conn.execute(finding.cure.partition("load: ")[2].partition(" Or ")[0])
    assert set(dated().values()) == {0}


def test_dates_that_cannot_be_read_in_time_are_left_open(dated, source, monkeypatch):
    monkeypatch.setattr(infinite_dates, "TIMEOUT", "300ms")
    with source.admin() as other, other.transaction():
        other.execute('LOCK TABLE shop."Odd ""dates" IN ACCESS EXCLUSIVE MODE')

        assert dated() == {"a": None, "b c": None, "d": None, "e": None}
