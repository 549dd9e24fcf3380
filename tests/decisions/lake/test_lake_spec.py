"""A bucket as the target: what a spec must say of it, and what excludes what."""

from __future__ import annotations

import pytest

from pg_cdc.config import Migration
from pg_cdc.failures import SpecInvalid
from pg_cdc.spec import load_migration, migration_from_mapping, migration_from_params

ROLE = "arn:aws:iam::123456789012:role/pg-cdc-dms-lake"
KEY = "arn:aws:kms:eu-west-1:123456789012:key/7e1c"
LAKE = {"bucket": "my-lake", "role_arn": ROLE}
FILE = """
name: orders
source: {identifier: orders-prod, database: orders}
lake: {bucket: my-lake, role_arn: "arn:aws:iam::123456789012:role/pg-cdc-dms-lake"}
tables: {rules: [{schema: orders, table: "%"}]}
"""


def spec(**lake):
    return migration_from_mapping({"lake": LAKE | lake})


@pytest.mark.parametrize(
    ("lake", "where"),
    [
        pytest.param({"role_arn": None}, "lake.role_arn", id="nobody-who-writes"),
        pytest.param({"role_arn": "pg-cdc-dms-lake"}, "lake.role_arn", id="a-role-by-its-bare-name"),
        pytest.param({"bucket": "My_Lake"}, "lake.bucket", id="no-name-of-a-bucket"),
        pytest.param({"folder": "/orders/"}, "lake.folder", id="slashes-at-the-ends-of-a-folder"),
        pytest.param({"timestamp_column": "Op"}, "lake.timestamp_column", id="the-column-of-the-operation"),
        pytest.param({"csv_unchanged_value": "\\N"}, "lake.csv_unchanged_value", id="unchanged-told-as-null"),
        pytest.param({"encryption": "sse-kms"}, "lake.kms_key_arn", id="kms-without-a-key"),
        pytest.param({"kms_key_arn": KEY}, "lake.kms_key_arn", id="a-key-without-kms"),
        pytest.param({"date_time_zone": "Europe/Berlin"}, "lake.date_time_zone", id="a-zone-of-no-date"),
        pytest.param({"cdc_path": "changes"}, "lake.cdc_path", id="a-folder-for-no-transactions"),
        pytest.param({"batch_seconds": 0}, "lake.batch_seconds", id="no-interval"),
    ],
)
def test_what_cannot_be_is_refused_with_its_place(lake, where):
    with pytest.raises(SpecInvalid, match=where):
        spec(**lake)


ORDERED = {"preserve_transactions": True, "cdc_path": "changes", "column_names": False}


@pytest.mark.parametrize(
    ("lake", "where"),
    [
        pytest.param({"cdc_path": None}, "cdc_path", id="and-no-folder-for-them"),
        pytest.param({"date_partition": "YYYYMMDD"}, "date_partition", id="and-folders-by-date"),
        pytest.param({"column_names": True}, "column_names", id="and-names-of-columns"),
        pytest.param({"data_format": "parquet"}, "data_format", id="and-parquet"),
    ],
)
def test_transactions_in_order_exclude(lake, where):
    assert spec(**ORDERED).lake.preserve_transactions

    with pytest.raises(SpecInvalid, match=f"lake.{where}"):
        spec(**ORDERED | lake)


@pytest.mark.parametrize(
    "lake",
    [
        pytest.param({}, id="bucket-and-role-are-enough"),
        pytest.param({"folder": "raw/orders", "data_format": "parquet", "compression": "gzip"}, id="parquet"),
        pytest.param({"encryption": "sse-kms", "kms_key_arn": KEY}, id="kms"),
        pytest.param({"date_partition": "YYYYMMDDHH", "date_time_zone": "Europe/Berlin"}, id="dates"),
    ],
)
def test_what_can_be_is_taken(lake):
    assert spec(**lake).lake.bucket == "my-lake"


def test_without_a_bucket_nothing_of_it_matters():
    assert Migration.model_validate({"lake": {"encryption": "sse-kms", "cdc_path": "x"}}).target.identifier


def test_a_bucket_leaves_no_database_that_could_be_written_to():
    by_form = migration_from_params(
        {
            "lake_bucket": "my-lake",
            "lake_role_arn": ROLE,
            "target_identifier": "shop-replica",
            "target_database": "shop",
        }
    )

    assert (by_form.target.identifier, by_form.target.host) == (None, None)
    assert Migration.model_validate(by_form.model_dump(mode="json")) == by_form


def test_a_file_may_name_a_bucket_in_place_of_a_database():
    assert load_migration(FILE).lake.bucket == "my-lake"


def test_a_file_that_names_both_is_refused():
    with pytest.raises(SpecInvalid, match="the one or the other"):
        load_migration(FILE + "target: {identifier: orders-replica, database: orders}\n")


def test_a_file_that_names_neither_is_refused():
    with pytest.raises(SpecInvalid, match=r"or lake\.bucket"):
        load_migration(FILE.replace("lake:", "timeouts: {} #"))
