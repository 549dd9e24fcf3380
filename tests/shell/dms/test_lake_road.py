"""From nothing to a proved stream into a bucket, each step twice; and what the files tell is what the source has."""

from __future__ import annotations

import pytest

from pg_cdc.config.teardown import Teardown
from pg_cdc.decisions.teardown.residue import Fate
from pg_cdc.facts.result import read_result
from pg_cdc.facts.teardown.residue import read_residue
from pg_cdc.operators.dms.resources import EnsureEndpointOperator
from pg_cdc.operators.dms.streaming import WaitStreamingOperator
from pg_cdc.operators.source.inspect import PlanOperator, PreflightOperator
from pg_cdc.operators.teardown.sql import RemoveTargetTablesOperator
from tests.shell.dms.lake_shop import CHANGES, THINGS, keys, put_in_lake, unequal
from tests.shell.dms.test_dms_whole_road import ROAD

REMOVE = {"params": {"teardown_delete_lake_files": True}}


@pytest.fixture
def shop(world):
    world.sql("source", THINGS)
    return world


def change(world) -> None:
    for statement in CHANGES:
        world.sql("source", statement)


def test_each_step_has_nothing_to_do_the_second_time_and_csv_tells_all_that_the_source_has(shop, no_calls, tmp_path):
    scratch = put_in_lake(shop)
    plan = shop.run(PlanOperator)["facts"]
    for operator, kwargs in ROAD:
        first = shop.run(operator, **kwargs)
        with no_calls():
            again = shop.run(operator, **kwargs)
        assert again["changes"] == [], operator
        assert first["facts"].keys() == again["facts"].keys(), operator
    assert unequal(shop, scratch, tmp_path / "loaded") == {}

    change(shop)

    assert unequal(shop, scratch, tmp_path / "changed") == {}
    bucket, name = shop.migration.lake.bucket, shop.spec["name"]
    assert f"mark s3://{bucket}/{name}/ as this migration's" in plan["changes"]
    assert 0 < shop.run(WaitStreamingOperator)["facts"]["marker"]["seconds"] < 30
    rows = {row["table"]: (row["source_rows"], row["target_rows"]) for row in read_result(shop.migration).tables}
    assert rows == {"customers": (50, 50), "orders": (190, 190), "things": (5, 5), "seen": (4, 4)}


@pytest.mark.exhaustive
def test_parquet_tells_all_but_long_values_that_an_update_left_as_they_were(shop, tmp_path):
    scratch = put_in_lake(shop, data_format="parquet", compression="gzip", folder=shop.spec["name"])
    shop.sql("source", "alter table shop.things alter f type numeric(9,3), alter g type numeric(9,3) using 1")
    assert "lake_unchanged_is_null" in {row["code"] for row in shop.run(PreflightOperator)["facts"]["findings"]}
    shop.stream()
    assert unequal(shop, scratch, tmp_path / "loaded") == {}

    change(shop)

    assert unequal(shop, scratch, tmp_path / "changed") == {"things": "same number of rows, different content"}
    shop.sql("source", "update shop.things set body = 'anew' where body is not null")
    assert unequal(shop, scratch, tmp_path / "anew") == {}


def test_files_stay_at_a_teardown_and_go_when_that_is_asked_for(shop, no_calls):
    put_in_lake(shop)
    s3, bucket = shop.sandbox.client("s3"), shop.migration.lake.bucket
    shop.load()
    s3.put_object(Bucket=bucket, Key="another/file.csv", Body=b"1")
    there = keys(shop)
    remove = shop.step(RemoveTargetTablesOperator)

    with no_calls():
        kept = remove.execute({"params": {}})
    assert keys(shop) == there
    assert "kept on purpose" not in kept["facts"]["found"][0] and "kept" in kept["facts"]["found"][0]

    removed = remove.execute(REMOVE)

    assert keys(shop) == ["another/file.csv"]
    assert removed["changes"] == [f"deleted {len(there) - 2} files of s3://{bucket}/{shop.spec['name']}/"]
    with no_calls():
        assert remove.execute(REMOVE)["changes"] == []


def test_a_bucket_as_the_target_leaves_nothing_that_a_teardown_could_not_check(shop):
    put_in_lake(shop)
    shop.load()

    residue = read_residue(shop.migration, Teardown())

    assert [(line.kind, line.why) for line in residue if line.fate is Fate.UNCHECKED] == []
    assert {line.fate for line in residue if line.place == "target" and line.kind != "files"} == {Fate.GONE}


def test_files_without_our_mark_are_left_whatever_is_asked(shop, no_calls):
    put_in_lake(shop)
    bucket, name = shop.migration.lake.bucket, shop.spec["name"]
    shop.sandbox.client("s3").put_object(Bucket=bucket, Key=f"{name}/shop/customers/LOAD00000001.csv", Body=b"1")

    with no_calls():
        done = shop.step(RemoveTargetTablesOperator).execute(REMOVE)

    assert "not ours" in done["facts"]["found"][0]
    assert len(keys(shop)) == 1


def test_a_folder_of_another_migration_is_not_written_to(shop):
    put_in_lake(shop, folder="shared")
    shop.run(EnsureEndpointOperator, end="target")
    first = keys(shop)
    other = {**shop.spec, "name": "other"}

    with pytest.raises(Exception, match="is the folder of migration") as refused:
        EnsureEndpointOperator(task_id="step", migration=other, end="target").execute({"params": {}})

    assert "lake.folder" in str(refused.value)
    assert keys(shop) == first
    assert shop.hook.endpoint("pg-cdc-other-target") is None
