"""The part of the teardown form that a spec does not say."""

from __future__ import annotations

import pytest

from pg_cdc.config import Migration
from pg_cdc.config.teardown import Keep, Scope, Teardown, teardown_from_params, teardown_params
from pg_cdc.failures import SpecInvalid
from pg_cdc.spec import migration_from_params

PARAMS = teardown_params()


def test_the_forms_defaults_are_a_dry_run_of_everything():
    teardown = teardown_from_params({key: param.value for key, param in PARAMS.items()})

    assert teardown == Teardown()
    assert teardown.dry_run
    assert teardown.scope is Scope.ALL


def test_the_form_still_says_which_migration():
    assert migration_from_params({key: param.value for key, param in PARAMS.items()}) == Migration()


@pytest.mark.parametrize("key", ["safety_dry_run", "safety_adopt_existing", "tables_rules", "replication_multi_az"])
def test_the_form_asks_for_nothing_that_only_migrating_needs(key):
    assert key not in PARAMS


def test_what_to_keep_is_chosen_from_a_list():
    schema = PARAMS["teardown_keep"].schema

    assert schema["examples"] == [one.value for one in Keep]
    assert schema["items"]["enum"] == schema["examples"]


@pytest.mark.parametrize(
    ("asked", "thing", "kept"),
    [
        pytest.param([], Keep.DMS_ROLE, False, id="nothing asked"),
        pytest.param([Keep.DMS_ROLE], Keep.DMS_ROLE, True, id="itself"),
        pytest.param([Keep.DMS_ROLE], Keep.PGLOGICAL, False, id="another"),
        pytest.param([Keep.SOURCE], Keep.PGLOGICAL, True, id="its end"),
        pytest.param([Keep.SOURCE], Keep.PARAMETERS, True, id="its end: parameters"),
        pytest.param([Keep.SOURCE], Keep.TARGET_CONTROL_TABLES, False, id="the other end"),
        pytest.param([Keep.TARGET], Keep.TARGET_CONTROL_TABLES, True, id="target"),
        pytest.param([Keep.PARAMETERS], Keep.CONTROL_SCHEMA, True, id="old values are needed"),
        pytest.param([Keep.CONTROL_SCHEMA], Keep.PARAMETERS, False, id="not the other way"),
    ],
)
def test_a_thing_is_kept_by_its_own_name_and_by_what_implies_it(asked, thing, kept):
    assert bool(Teardown(keep=asked).keeps(thing)) is kept


@pytest.mark.parametrize("thing", [one for one in Keep if one is not Keep.PARAMETERS])
def test_turning_off_keeps_all_but_the_parameters(thing):
    assert Teardown(scope=Scope.LOGICAL_REPLICATION).keeps(thing)


def test_turning_off_sets_the_parameters_back_unless_asked_not_to():
    assert not Teardown(scope=Scope.LOGICAL_REPLICATION).keeps(Keep.PARAMETERS)
    assert Teardown(scope=Scope.LOGICAL_REPLICATION, keep=[Keep.PARAMETERS]).keeps(Keep.PARAMETERS)


def test_a_misspelt_key_or_value_is_named():
    with pytest.raises(SpecInvalid) as refused:
        teardown_from_params({"teardown_keep": ["everything"], "teardown_dryrun": False})

    assert "teardown_keep.0" in refused.value.found
    assert "teardown_dryrun" in refused.value.found


def test_a_migrations_spec_does_not_stumble_over_the_teardowns_part():
    assert migration_from_params({"teardown_dry_run": False, "name": "shop"}).name == "shop"
