"""Which migrations are past their time."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pg_cdc.config import Migration
from pg_cdc.config.fields import epoch
from pg_cdc.decisions.dms.resources import Modify, Nothing, compare_instance
from pg_cdc.decisions.dms.tags import tag_list
from pg_cdc.decisions.teardown.expiry import Tagged, sweep
from pg_cdc.failures import SpecInvalid
from pg_cdc.spec import load_migration, migration_from_mapping
from tests.decisions.dms.test_dms_resources import INSTANCE

PLACE = "aws_default, eu-west-1"
NOW = epoch("2026-06-01T12:00:00Z")
FILES = {(PLACE, "shop"): "shop.yaml"}


def tagged(expires_at: str | None, migration: str | None = "shop", place: str = PLACE) -> Tagged:
    tags = {"pg-cdc:expires-at": expires_at, "pg-cdc:migration": migration}
    return Tagged(name="task pg-cdc-shop", place=place, tags={key: value for key, value in tags.items() if value})


@pytest.mark.parametrize(
    ("expires_at", "due"),
    [
        pytest.param(None, False, id="never"),
        pytest.param("2026-05-31", True, id="yesterday"),
        pytest.param("2026-06-01", True, id="today, from its first moment"),
        pytest.param("2026-06-02", False, id="tomorrow"),
        pytest.param("2026-06-01T12:00:00Z", True, id="now"),
        pytest.param("2026-06-01T12:00:01Z", False, id="in a second"),
        pytest.param("2026-06-01T13:30:00+02:00", True, id="past, by its own zone"),
        pytest.param("2026-06-01T11:30:00-02:00", False, id="to come, by its own zone"),
    ],
)
def test_a_migration_is_due_from_its_moment_on(expires_at, due):
    decided = sweep([tagged(expires_at)], FILES, NOW)

    assert [one.spec_file for one in decided.due] == (["shop.yaml"] if due else [])
    assert decided.troubles == ()


def test_a_migration_is_due_once_however_many_resources_it_has():
    assert len(sweep([tagged("2026-01-01")] * 5, FILES, NOW).due) == 1


def test_the_latest_time_counts_while_a_spec_is_being_changed():
    assert sweep([tagged("2026-01-01"), tagged("2027-01-01")], FILES, NOW).due == ()


@pytest.mark.parametrize(
    "found",
    [
        pytest.param(tagged("2026-01-01", "books"), id="no spec file"),
        pytest.param(tagged("2026-01-01", place="other, us-east-1"), id="a spec file for another account"),
        pytest.param(tagged("soon"), id="no moment"),
        pytest.param(tagged("2026-13-01"), id="no such month"),
        pytest.param(tagged("2026-01-01", None), id="nobody's"),
    ],
)
def test_what_cannot_be_taken_down_from_here_is_named(found):
    decided = sweep([found], FILES, NOW)

    assert decided.due == ()
    assert len(decided.troubles) == 1


def test_a_migration_without_a_spec_file_is_no_trouble_before_its_time():
    assert sweep([tagged("2027-01-01", "books")], FILES, NOW).troubles == ()


@pytest.mark.parametrize("text", ["2026-12-31", "2026-12-31T18:00:00Z", "2026-12-31T18:00+01:00"])
def test_the_spec_takes_a_date_or_a_time_with_its_zone(text):
    spec = {"name": "shop", "safety": {"expires_at": text}}

    assert migration_from_mapping(spec).safety.expires_at == text


@pytest.mark.parametrize("text", ["tomorrow", "2026-12-31T18:00:00", "31.12.2026", "2026-02-30", ""])
def test_the_spec_takes_nothing_else(text):
    with pytest.raises(SpecInvalid) as refused:
        migration_from_mapping({"name": "shop", "safety": {"expires_at": text}})

    assert "expires_at" in refused.value.found


def test_a_date_in_a_file_needs_no_quotes():
    text = """
name: shop
source: {identifier: shop, database: shop}
target: {identifier: copy, database: shop}
tables: {rules: [{schema: shop, table: "%"}]}
safety: {expires_at: 2026-12-31}
"""
    assert load_migration(text).safety.expires_at == "2026-12-31"


EXPIRING = Migration.model_validate({"name": "shop", "safety": {"expires_at": "2026-12-31"}})


def test_the_time_is_a_tag_of_all_we_make():
    assert {"Key": "pg-cdc:expires-at", "Value": "2026-12-31"} in tag_list(EXPIRING)
    assert [tag["Key"] for tag in tag_list(Migration())] == ["pg-cdc:migration"]


@pytest.mark.parametrize(
    ("migration", "tag", "repaired"),
    [
        pytest.param(EXPIRING, "2026-12-31", False, id="as it should be"),
        pytest.param(EXPIRING, "2026-11-30", True, id="another time"),
        pytest.param(EXPIRING, None, True, id="lacking"),
        pytest.param(Migration(), "2026-12-31", True, id="expires no more"),
        pytest.param(Migration(), None, False, id="never did"),
    ],
)
def test_the_tag_follows_the_spec(migration, tag, repaired):
    tags = {"pg-cdc:migration": "shop"} | ({"pg-cdc:expires-at": tag} if tag else {})

    decision = compare_instance(migration, replace(INSTANCE, tags=tags), ())

    assert isinstance(decision, Nothing | Modify)
    assert decision.expiry is repaired
