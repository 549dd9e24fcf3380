"""A whole migration goes from both ends, once; what is not the migration's stays."""

from __future__ import annotations

import pytest

from pg_cdc.decisions.teardown.residue import Fate, is_clean
from tests.cases import all_but_exhaustive
from tests.shell.teardown_sql.conftest import STEPS


def test_before_a_migration_there_is_nothing(scene):
    fates = scene.fates()

    assert {fate for fate in fates.values()} == {Fate.GONE, Fate.KEPT}
    assert [name for name, fate in fates.items() if fate is Fate.KEPT] == [f"replicated tables of {scene.copy}"]


def test_all_that_a_migration_makes_is_found(whole):
    left = {name for name, fate in whole.fates().items() if fate is Fate.LEFT}

    shop, copy, role = whole.source.name, whole.copy, whole.source.dms
    assert left == {
        f"replication slot s_{shop}",
        f"event trigger awsdms_intercept_ddl of {shop}",
        "function dms_replication.awsdms_intercept_ddl()",
        "table dms_replication.awsdms_ddl_audit",
        "table dms_replication.awsdms_heartbeat",
        f"schema dms_replication of {shop}",
        f"extension pglogical of {shop}",
        f"role {role}",
        f"rows of shop in pgcdc.marker of {shop}",
        f"rows of shop in pgcdc.slot_owner of {shop}",
        f"rows of shop in pgcdc.reboot of {shop}",
        f"rows of shop in pgcdc.parameter_before of {shop}",
        f"schema pgcdc of {shop}",
        "schema pgcdc of postgres",
        f"rows of shop in pgcdc.marker of {copy}",
        f"schema pgcdc of {copy}",
        f"table public.awsdms_apply_exceptions of {copy}",
        f"table public.awsdms_txn_state of {copy}",
        f"table public.awsdms_status of {copy}",
    }


def test_all_of_it_goes_and_the_copy_stays(whole):
    changes = whole.run_all()

    assert len(changes) == 18
    assert is_clean(whole.residue())
    assert set(whole.fates().values()) == {Fate.GONE, Fate.KEPT}
    assert whole.sql("SELECT * FROM shop.orders", dbname=whole.copy) == [(1, "a copy")]
    assert whole.sql("SELECT count(*) FROM shop.orders") == [(0,)]


def test_the_second_time_nothing_is_changed_or_written(whole, mutating_calls):
    whole.run_all()

    with whole.nothing_written(), mutating_calls() as calls:
        assert whole.run_all() == []

    assert calls == []


def test_looking_writes_nothing(whole, mutating_calls):
    with whole.nothing_written(), mutating_calls() as calls:
        whole.residue()

    assert calls == []


@pytest.mark.parametrize("step", all_but_exhaustive(STEPS, {STEPS[-1]}), ids=lambda step: step.__name__)
def test_each_step_again_at_once_changes_nothing(whole, step):
    whole.parameters_are_back()
    for one in STEPS[: STEPS.index(step) + 1]:
        whole.run(one)

    with whole.nothing_written():
        assert whole.run(step)["changes"] == []


@pytest.mark.parametrize("made", all_but_exhaustive(range(4), {2}), ids=["nothing", "role", "audit", "pglogical"])
def test_it_goes_from_any_prefix_of_a_migration(scene, made):
    from pg_cdc.operators.source.bootstrap import (
        EnsureDmsRoleOperator,
        InstallDdlAuditOperator,
        InstallPglogicalOperator,
    )

    for operator in (EnsureDmsRoleOperator, InstallDdlAuditOperator, InstallPglogicalOperator)[:made]:
        scene.source.run(operator)

    scene.run_all()

    assert is_clean(scene.residue())


def test_a_migration_can_be_prepared_again_afterwards(whole):
    whole.run_all()

    whole.bootstrap()
    whole.books()

    assert whole.line("extension").fate is Fate.LEFT


@pytest.mark.parametrize(
    ("keep", "kept"),
    [
        pytest.param("ddl_audit", {"event trigger", "function", "table", "schema", "role"}, id="audit: its role too"),
        pytest.param("pglogical", {"extension"}, id="pglogical", marks=pytest.mark.exhaustive),
        pytest.param("dms_role", {"role"}, id="role", marks=pytest.mark.exhaustive),
        pytest.param("control_schema", {"rows", "schema"}, id="control-schema", marks=pytest.mark.exhaustive),
        pytest.param(
            "source", {"event trigger", "function", "table", "schema", "extension", "role", "rows"}, id="source"
        ),
        pytest.param("target", set(), id="target", marks=pytest.mark.exhaustive),
    ],
)
def test_what_is_asked_to_stay_stays(whole, keep, kept):
    whole.run_all([keep])

    lines = whole.residue([keep])
    assert is_clean(lines)
    assert {one.kind for one in lines if one.fate is Fate.KEPT and one.place == "source"} == kept
    on_target = {one.kind for one in lines if one.fate is Fate.KEPT and one.place == "target"}
    assert on_target == ({"replicated tables"} | ({"rows", "schema", "table"} if keep == "target" else set()))


def test_a_slot_of_ours_goes_even_where_the_source_stays(whole):
    whole.run_all(["source"])

    assert whole.line("replication slot").fate is Fate.GONE
