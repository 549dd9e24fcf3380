"""Every SQL file can be found wherever we are installed, and is SQL."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pg_cdc import places
from pg_cdc.sql_files import SqlFileMissing, read_sql

DIRECTORY = Path(__file__).resolve().parents[2] / "include" / "sql"
FILES = sorted(path.relative_to(DIRECTORY).as_posix() for path in DIRECTORY.rglob("*.sql"))


@pytest.mark.parametrize("name", FILES)
def test_a_file_is_sql(name, bootstrap_server):
    text = re.sub(r"%\(\w+\)s", "NULL", read_sql(name)).replace("%%", "%")
    text = re.sub(r"\{(verifier|mark)\}", "'x'", text)
    text = re.sub(r"\{(\w+)\}", r"\1", text)
    with bootstrap_server.connect() as conn, conn.transaction(force_rollback=True):
        # plpgsql parses every statement of a function when it is made, of whatever kind, and runs none.
        conn.execute(
            f"CREATE FUNCTION pg_temp.parse() RETURNS void LANGUAGE plpgsql AS $parse$BEGIN\n{text}\nEND$parse$"
        )


def test_broken_sql_would_be_noticed(bootstrap_server):
    with bootstrap_server.connect() as conn, pytest.raises(Exception, match="syntax error"):
        conn.execute("CREATE FUNCTION pg_temp.p() RETURNS void LANGUAGE plpgsql AS $$BEGIN GRANT SELCT ON t; END$$")


@pytest.fixture
def installed_elsewhere(tmp_path, monkeypatch):
    """The package in a place without include/ beside it."""
    package = tmp_path / "site" / "pg_cdc"
    package.mkdir(parents=True)
    monkeypatch.setattr(places, "__file__", str(package / "places.py"))
    monkeypatch.setenv("AIRFLOW_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("AIRFLOW__CORE__DAGS_FOLDER", str(tmp_path / "repo" / "dags"))
    read_sql.cache_clear()
    yield tmp_path
    read_sql.cache_clear()


@pytest.mark.parametrize(
    "place",
    [
        pytest.param("site/pg_cdc/sql", id="package-data-of-a-wheel-or-of-plugins-zip"),
        pytest.param("include/sql", id="beside-the-plugins-of-a-checkout"),
        pytest.param("home/include/sql", id="in-airflow-home"),
        pytest.param("repo/include/sql", id="beside-the-dags-folder"),
    ],
)
def test_a_file_is_found(installed_elsewhere, place):
    path = installed_elsewhere / place / "source" / "list_slots.sql"
    path.parent.mkdir(parents=True)
    path.write_text("SELECT 1;")

    assert read_sql("source/list_slots.sql") == "SELECT 1;"


def test_a_file_that_is_nowhere_is_an_error_that_names_the_places(installed_elsewhere):
    with pytest.raises(SqlFileMissing, match=r"home/include/sql.*\n.*\nNext: deploy include/sql"):
        read_sql("source/list_slots.sql")


@pytest.mark.parametrize("name", ["../secrets.sql", "/etc/passwd", "source/List.sql", "source/a.txt", "a.sql"])
def test_only_sql_files_of_ours_are_read(name):
    with pytest.raises(ValueError, match="no SQL file name"):
        read_sql(name)


def test_a_file_is_read_once():
    assert read_sql("source/list_slots.sql") is read_sql("source/list_slots.sql")
