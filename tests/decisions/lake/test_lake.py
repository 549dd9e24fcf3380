"""Whose a folder is, and what files say of the marker."""

from __future__ import annotations

import pytest

from pg_cdc.config import Migration
from pg_cdc.decisions.dms.task import TableStatistics
from pg_cdc.decisions.lake.files import (
    FolderState,
    LakeObject,
    folder_state,
    marker_prefix,
    may_claim,
    newest_first,
    newest_token,
    place,
    transaction_rows,
    written_rows,
)
from pg_cdc.failures import NotOurs
from tests.decisions.lake.test_lake_spec import ORDERED, ROLE

FILE = LakeObject(key="orders/shop/a/LOAD00000001.csv", size=10)


def migration(adopt: bool = False, **lake):
    return Migration.model_validate(
        {
            "name": "orders",
            "lake": {"bucket": "my-lake", "role_arn": ROLE, **lake},
            "safety": {"adopt_existing": adopt},
        }
    )


@pytest.mark.parametrize(
    ("state", "adopt", "claims"),
    [
        pytest.param(FolderState(), False, True, id="an-empty-folder"),
        pytest.param(FolderState(owner="orders"), False, False, id="ours-already"),
        pytest.param(FolderState(owner="orders", files=(FILE,)), False, False, id="ours-with-files"),
        pytest.param(FolderState(files=(FILE,)), True, True, id="files-of-nobody-to-be-adopted"),
        pytest.param(FolderState(nested=("orders/x/",)), False, True, id="another-folder-below-is-no-file-of-it"),
    ],
)
def test_a_folder_is_marked_where_it_is_free(state, adopt, claims):
    assert may_claim(migration(adopt), state) is claims


@pytest.mark.parametrize(
    ("state", "adopt"),
    [
        pytest.param(FolderState(files=(FILE,)), False, id="files-of-nobody"),
        pytest.param(FolderState(owner="payments"), False, id="anothers"),
        pytest.param(FolderState(owner="payments"), True, id="anothers-is-never-adopted"),
    ],
)
def test_a_folder_that_may_be_anothers_is_refused(state, adopt):
    with pytest.raises(NotOurs):
        may_claim(migration(adopt), state)


def test_a_folder_of_another_migration_inside_of_ours_is_no_part_of_it():
    objects = [
        LakeObject(key="orders/_pg_cdc_migration.json"),
        FILE,
        LakeObject(key="orders/old/_pg_cdc_migration.json"),
        LakeObject(key="orders/old/shop/a/LOAD00000001.csv"),
        LakeObject(key="orders/older/shop/a/LOAD00000001.csv"),
    ]

    state = folder_state(migration(), objects, "orders")

    assert state.nested == ("orders/old/",)
    assert [file.key for file in state.files] == [FILE.key, "orders/older/shop/a/LOAD00000001.csv"]


def test_the_folder_is_the_migrations_name_unless_the_spec_says_another():
    assert place(migration()) == "s3://my-lake/orders/"
    assert place(migration(folder="raw/orders")) == "s3://my-lake/raw/orders/"


def test_the_marker_is_looked_for_where_its_changes_are_written():
    assert marker_prefix(migration()) == "orders/pgcdc/marker/"
    assert marker_prefix(migration(**ORDERED)) == "orders/changes/"


def test_the_newest_file_is_looked_at_first():
    def file(name, modified, size=1):
        return LakeObject(key=f"orders/pgcdc/marker/{name}", size=size, modified=modified)

    files = [
        file("LOAD00000001.csv", 100),
        file("20261126-100000123.csv", 100),
        file("2026/11/26/20261126-100000200.csv", 100),
        file("20261126-095959000.csv", 99),
        file("20261126-100001000.csv", 101, size=0),
        file("_temporary", 102),
    ]

    found = [one.key.rpartition("/")[2] for one in newest_first(files)]

    assert found == [
        "20261126-100000200.csv",
        "20261126-100000123.csv",
        "LOAD00000001.csv",
        "20261126-095959000.csv",
    ]


def row(op, at, token, name="orders"):
    return {"Op": op, "at": at, "migration": name, "token": token}


@pytest.mark.parametrize(
    ("rows", "token"),
    [
        pytest.param([], None, id="an-empty-file"),
        pytest.param([row("I", "1", "theirs", "payments")], None, id="only-anothers-rows"),
        pytest.param([row("I", "1", "a"), row("U", "2", "b")], "b", id="the-last-of-two"),
        pytest.param([row("U", "2", "b"), row("I", "1", "a")], "b", id="by-commit-time-not-by-place"),
        pytest.param([row("U", "1", "a"), row("U", "1", "b")], "b", id="by-place-within-one-commit"),
        pytest.param([row("I", "1", "a"), row("D", "2", "\\U")], None, id="a-row-that-is-gone"),
    ],
)
def test_the_token_is_that_of_the_last_row(rows, token):
    assert newest_token(rows, "orders", timestamp_column="at") == token


MARKER = ["orders", "t1", "a stream", "2026-01-01", "\\N"]


@pytest.mark.parametrize(
    "record",
    [
        pytest.param(["U", "marker", "pgcdc", *MARKER], id="values-at-once"),
        pytest.param(["U", "marker", "pgcdc", "2026-11-26 10:00:00.000000", *MARKER], id="after-a-commit-time"),
    ],
)
def test_a_transaction_file_tells_the_marker_by_table_and_schema(record):
    others = [["I", "marker", "shop", *MARKER], ["I", "orders", "pgcdc", *MARKER], ["I", "x"]]

    rows = transaction_rows([*others, record])

    assert newest_token(rows, "orders", timestamp_column="at") == "t1"
    assert len(rows) == 1


def test_rows_are_counted_by_what_dms_says_it_wrote():
    statistics = [TableStatistics(schema="shop", table="a", state="", load_rows=100, inserts=7, updates=50, deletes=3)]

    assert written_rows(statistics) == {("shop", "a"): 104}
