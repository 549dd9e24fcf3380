"""What each parameter must become, from what the group says and what is in force."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pg_cdc.decisions.parameters.changes import (
    BATCH,
    ParameterChange,
    apply_method,
    batches,
    overrides,
    plan_parameters,
)
from pg_cdc.decisions.parameters.rules import HEADROOM, RDS_LIBRARIES, listed, merge, milliseconds
from pg_cdc.failures import PreflightFailed
from tests.decisions.parameters.parameter_world import (
    PROCESSES,
    aurora,
    group,
    instance_group,
    migration,
    parameter,
    rds,
    server,
    slots,
)

SIZES = ("max_replication_slots", "max_wal_senders", "max_logical_replication_workers", "max_worker_processes")


def plan(database=None, groups=None, facts=None, *, spec=None, **kwargs) -> dict[str, ParameterChange]:
    rows = plan_parameters(
        database or aurora(),
        groups or (group(), instance_group()),
        facts or server(),
        migration=spec or migration(),
        **kwargs,
    )
    return {row.name: row for row in rows}


def changed(rows: dict[str, ParameterChange]) -> dict[str, str]:
    return {row.name: row.wanted for row in rows.values() if row.changes}


def test_a_stock_aurora_cluster_needs_three_parameters():
    assert changed(plan()) == {
        "rds.logical_replication": "1",
        "shared_preload_libraries": "pg_stat_statements,pglogical",
        "max_worker_processes": "15",
    }


def test_a_stock_rds_instance_needs_the_same_in_its_only_group():
    rows = plan(rds(), (group("default.postgres15", cluster=False),))

    assert set(changed(rows)) == {"rds.logical_replication", "shared_preload_libraries", "max_worker_processes"}
    assert "synchronous_commit" not in rows


def test_parameters_that_are_fine_are_in_the_plan_with_their_reasons():
    row = plan()["max_replication_slots"]

    assert (row.changes, row.needs_reboot, row.wanted) == (False, False, "20")
    assert "0 in use, 1 for DMS" in row.why


def test_a_full_load_alone_needs_none():
    assert plan(spec=migration(replication={"migration_type": "full-load"})) == {}


@pytest.mark.parametrize(
    ("settings", "in_group", "wanted"),
    [
        pytest.param({}, {}, "1", id="off"),
        pytest.param({"rds__logical_replication": "on"}, {"rds__logical_replication": "1"}, None, id="on"),
        pytest.param({}, {"rds__logical_replication": "1"}, None, id="set-and-waiting-for-its-reboot"),
        pytest.param({"rds__logical_replication": "on"}, {"rds__logical_replication": "0"}, "1", id="taken-back"),
        pytest.param({"rds__logical_replication": None}, {}, "1", id="not-shown-by-the-server"),
    ],
)
def test_logical_replication_is_switched_on(settings, in_group, wanted):
    rows = plan(groups=(group("own", **in_group), instance_group()), facts=server(**settings))

    assert changed(rows).get("rds.logical_replication") == wanted


def test_what_is_set_but_not_in_force_needs_a_reboot_and_no_change():
    row = plan(groups=(group("own", rds__logical_replication="1"), instance_group()))["rds.logical_replication"]

    assert (row.changes, row.needs_reboot, row.in_force) == (False, True, False)


@pytest.mark.parametrize(
    ("spec", "in_group", "live", "wanted"),
    [
        pytest.param({}, None, "rdsutils,pg_stat_statements", "pg_stat_statements,pglogical", id="merged"),
        pytest.param(
            {}, None, "rdsutils,pg_stat_statements,pg_tle", "pg_stat_statements,pg_tle,pglogical", id="live-is-kept-too"
        ),
        pytest.param({}, None, "rdsutils,aurora_x", "pg_stat_statements,pglogical", id="aws-own-library-is-not-set"),
        pytest.param({}, "pgaudit,pg_cron", "rdsutils,pg_tle", "pgaudit,pg_cron,pglogical", id="a-users-list-is-whole"),
        pytest.param({}, "pglogical,pgaudit", "rdsutils", None, id="there-already"),
        pytest.param({}, "pgaudit, pglogical", "rdsutils", None, id="there-after-a-blank"),
        pytest.param({"plugin": "test_decoding"}, None, "rdsutils", None, id="test-decoding-needs-none"),
        pytest.param({"plugin": "pglogical"}, None, "rdsutils", "pg_stat_statements,pglogical", id="asked-for"),
    ],
)
def test_preloaded_libraries_are_merged_never_replaced(spec, in_group, live, wanted):
    given_ = {"shared_preload_libraries": in_group} if in_group else {}
    rows = plan(
        groups=(group("own", **given_), instance_group()),
        facts=server(shared_preload_libraries=live),
        spec=migration(replication=spec),
    )

    assert changed(rows).get("shared_preload_libraries") == wanted


def test_auto_leaves_pglogical_out_where_the_source_has_it_not():
    assert "shared_preload_libraries" not in changed(plan(facts=server(pglogical=False)))


def test_auto_leaves_pglogical_out_where_the_group_does_not_take_it():
    stock = group()
    few = parameter("shared_preload_libraries", "pg_stat_statements", allowed_values="pg_stat_statements,pg_cron")
    narrow = replace(stock, parameters={**stock.parameters, "shared_preload_libraries": few})

    assert "shared_preload_libraries" not in changed(plan(groups=(narrow, instance_group())))


@pytest.mark.parametrize(
    ("facts", "name", "wanted"),
    [
        pytest.param(server(found=slots(20 - 1 - HEADROOM)), "max_replication_slots", None, id="slots-just-fit"),
        pytest.param(server(found=slots(20 - HEADROOM)), "max_replication_slots", "21", id="slots-one-over"),
        pytest.param(server(found=slots(19, active=False)), "max_replication_slots", "22", id="idle-slots-count"),
        pytest.param(server(senders=10 - 1 - HEADROOM), "max_wal_senders", None, id="senders-just-fit"),
        pytest.param(server(senders=10 - HEADROOM), "max_wal_senders", "11", id="senders-one-over"),
        pytest.param(server(found=slots(3)), "max_logical_replication_workers", None, id="workers-just-fit"),
        pytest.param(server(found=slots(4)), "max_logical_replication_workers", "5", id="workers-one-over"),
        pytest.param(
            server(found=slots(9, slot_type="physical")), "max_logical_replication_workers", None, id="physical"
        ),
        pytest.param(server(max_worker_processes="14"), "max_worker_processes", "15", id="processes-one-under-the-sum"),
        pytest.param(
            server(max_worker_processes="15"), "max_worker_processes", None, id="formula-that-comes-to-the-sum"
        ),
        pytest.param(server(found=slots(6)), "max_worker_processes", "18", id="sum-of-the-wanted-workers"),
    ],
)
def test_sizes_have_room_for_what_is_there_and_what_comes(facts, name, wanted):
    assert changed(plan(facts=facts)).get(name) == wanted


def test_a_formula_is_shown_as_it_is_and_judged_by_what_it_came_to():
    row = plan(facts=server(max_worker_processes="64"))["max_worker_processes"]

    assert (row.group_value, row.live, row.wanted, row.changes) == (PROCESSES, "64", "64", False)


def test_each_read_replica_and_each_task_has_a_slot_and_a_sender():
    facts = server(found=slots(15), senders=8)

    rows = plan(rds(replicas=("shop-r1", "shop-r2")), (group("default.postgres15", cluster=False),), facts, tasks=3)

    assert changed(rows)["max_replication_slots"] == str(15 + 3 + 2 + HEADROOM)
    assert changed(rows)["max_wal_senders"] == str(8 + 3 + 2 + HEADROOM)


def test_a_read_replica_that_follows_is_not_counted_twice():
    following = (*slots(15), *(replace(one, name=f"rds_{one.name}") for one in slots(2, slot_type="physical")))

    rows = plan(
        rds(replicas=("shop-r1", "shop-r2")),
        (group("default.postgres15", cluster=False),),
        server(found=following, senders=8 + 2),
        tasks=3,
    )

    assert changed(rows)["max_replication_slots"] == str(15 + 3 + 2 + HEADROOM)
    assert changed(rows)["max_wal_senders"] == str(8 + 3 + 2 + HEADROOM)


def test_a_rerun_does_not_count_the_slot_of_this_migration_twice():
    before = server(found=slots(20 - 1 - HEADROOM), senders=10 - 1 - HEADROOM)
    after = server(found=slots(20 - HEADROOM), senders=10 - HEADROOM)

    assert not changed(plan(facts=before)).keys() & set(SIZES[:2])
    assert not changed(plan(facts=after, own_slots=frozenset({"slot_0"}))).keys() & set(SIZES[:2])


@pytest.mark.parametrize(
    ("live", "in_group", "wanted"),
    [
        pytest.param("30s", None, None, id="aws-default"),
        pytest.param("0", "0", None, id="off"),
        pytest.param("10s", "10000", None, id="lowest"),
        pytest.param("9999ms", "9999", "10000", id="under-the-lowest"),
        pytest.param("299999ms", "299999", None, id="highest"),
        pytest.param("5min", "300000", "299999", id="over-the-highest"),
        pytest.param("5min", "60000", None, id="corrected-and-on-its-way"),
    ],
)
def test_wal_sender_timeout_is_changed_only_when_dms_does_not_take_it(live, in_group, wanted):
    given_ = {"wal_sender_timeout": in_group} if in_group else {}
    rows = plan(groups=(group("own", **given_), instance_group()), facts=server(wal_sender_timeout=live))

    assert changed(rows).get("wal_sender_timeout") == wanted


@pytest.mark.parametrize("value", ["off", "local", "remote_write", "remote_apply"])
def test_aurora_commits_synchronously(value):
    rows = plan(
        groups=(group("own", synchronous_commit=value), instance_group()), facts=server(synchronous_commit=value)
    )

    assert changed(rows)["synchronous_commit"] == "on"


def test_a_dynamic_change_needs_no_reboot_in_a_group_that_is_attached():
    rows = plan(
        groups=(group("own", synchronous_commit="off"), instance_group()), facts=server(synchronous_commit="off")
    )

    assert rows["synchronous_commit"].needs_reboot is False


def test_a_dynamic_change_needs_a_reboot_with_a_group_that_is_new():
    assert plan(
        facts=server(synchronous_commit="off"), groups=(with_value("synchronous_commit", "off"), instance_group())
    )["synchronous_commit"].needs_reboot


def with_value(name: str, value: str):
    stock = group()
    return replace(stock, parameters={**stock.parameters, name: replace(stock.parameters[name], value=value)})


@pytest.mark.parametrize("fixed", [True, False], ids=["not-modifiable", "missing"])
def test_a_parameter_that_cannot_be_changed_is_refused_before_anything_is(fixed):
    stock = group()
    rows = dict(stock.parameters)
    locked = parameter("rds.logical_replication", "0", modifiable=False)
    rows = {**rows, locked.name: locked} if fixed else {k: v for k, v in rows.items() if k != locked.name}

    with pytest.raises(PreflightFailed) as refused:
        plan(groups=(replace(stock, parameters=rows), instance_group()))

    assert "rds.logical_replication" in refused.value.found


@pytest.mark.parametrize(
    ("in_instance_group", "in_vain"),
    [
        pytest.param({}, (), id="nothing-set-there"),
        pytest.param({"work_mem": "1024"}, (), id="another-parameter"),
        pytest.param({"max_worker_processes": "8"}, ("max_worker_processes",), id="too-small-there"),
        pytest.param({"max_worker_processes": "40"}, (), id="large-enough-there"),
        pytest.param({"max_worker_processes": PROCESSES}, (), id="a-formula-is-judged-by-the-server"),
        pytest.param(
            {"shared_preload_libraries": "pgaudit"}, ("shared_preload_libraries",), id="library-missing-there"
        ),
        pytest.param({"shared_preload_libraries": "pgaudit,pglogical"}, (), id="library-there"),
    ],
)
def test_an_instance_group_that_defeats_the_plan_is_named(in_instance_group, in_vain):
    rows = plan(groups=(group("own"), instance_group("mine", **in_instance_group)))

    assert {row.name: row.overridden_by for row in rows.values() if row.overridden_by} == dict.fromkeys(
        in_vain, ("mine",)
    )


def test_every_override_of_the_cluster_group_is_found_and_rds_has_none():
    groups = (group("own"), instance_group("mine", work_mem="1024", max_worker_processes="8"))

    assert {(one.name, one.group, one.value) for one in overrides(groups)} == {
        ("work_mem", "mine", "1024"),
        ("max_worker_processes", "mine", "8"),
    }
    assert [one.name for one in overrides(groups, ["work_mem"])] == ["work_mem"]
    assert overrides((group("own.postgres15", cluster=False, work_mem="1"),)) == ()


@pytest.mark.parametrize(("kind", "method"), [("static", "pending-reboot"), ("dynamic", "immediate")])
def test_static_parameters_wait_for_the_reboot(kind, method):
    assert apply_method(kind) == method


SHOWN = st.integers(min_value=0, max_value=300)


@given(st.dictionaries(st.sampled_from(SIZES), SHOWN), st.integers(0, 40), st.integers(0, 40))
def test_no_size_is_ever_lowered(values, used, senders):
    text = {name: str(value) for name, value in values.items()}
    rows = plan(
        groups=(group("own", **text), instance_group()), facts=server(found=slots(used), senders=senders, **text)
    )

    assert all(int(rows[name].wanted) >= value for name, value in values.items())


LIBRARY = st.sampled_from(["auto_explain", "pg_cron", "pg_stat_statements", "pg_tle", "pgaudit", "pglogical"])


@given(st.lists(LIBRARY, unique=True), st.booleans())
def test_libraries_keep_their_order_and_none_is_lost(libraries, by_user):
    text = ",".join(libraries)
    cluster = group("own", shared_preload_libraries=text) if by_user else with_value("shared_preload_libraries", text)
    row = plan(groups=(cluster, instance_group()), facts=server(shared_preload_libraries=f"rdsutils,{text}"))[
        "shared_preload_libraries"
    ]

    assert listed(row.wanted) == merge(libraries, ["pglogical"])
    assert not RDS_LIBRARIES & set(listed(row.wanted))


@given(st.integers(0, 130), st.integers(1, 30))
def test_batches_are_small_enough_and_hold_everything_once(number, size):
    rows = [
        ParameterChange(
            name=f"p{i}", live=None, group_value=None, wanted="1", why="", apply_type="static", needs_reboot=True,
            changes=i % 3 != 0,
        )
        for i in range(number)
    ]  # fmt: skip

    made = list(batches(rows, size))

    assert all(1 <= len(batch) <= size for batch in made)
    assert [row for batch in made for row in batch] == [row for row in rows if row.changes]
    assert all(len(batch) <= BATCH for batch in batches(rows))


@given(st.integers(0, 10**9))
def test_a_bare_number_is_milliseconds(value):
    assert milliseconds(str(value)) == value
