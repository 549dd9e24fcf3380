"""How parameters go back, and what forbids it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pg_cdc.config.teardown import Keep, Teardown
from pg_cdc.decisions.parameters.before import Before
from pg_cdc.decisions.teardown.parameter_traces import group_trace, parameter_traces
from pg_cdc.decisions.teardown.residue import Fate, judge, judge_all
from pg_cdc.decisions.teardown.restore_parameters import (
    OtherMigration,
    ParameterFacts,
    allowed,
    merged,
    obstacles,
    plan_restore,
)
from pg_cdc.decisions.world import Database, Engine, Member, Parameter, ParameterGroup, Slot

OWN = "pg-cdc-shop-aurora-postgresql15"
STOCK = "default.aurora-postgresql15"
TEAM = "team"
FAMILY = "aurora-postgresql15"
OURS = {"pg-cdc:migration": "shop"}


def member(**changes) -> Member:
    row = Member(
        identifier="shop-1",
        arn="arn:shop-1",
        writer=True,
        status="available",
        host="h",
        port=5432,
        instance_class="db.r6g.large",
        parameter_group="default.instance",
        apply_status="in-sync",
        cluster_apply_status="in-sync",
    )
    return replace(row, **changes)


def database(**changes) -> Database:
    row = Database(
        identifier="shop",
        engine=Engine.AURORA,
        version="15.4",
        status="available",
        arn="arn:shop",
        host="h",
        port=5432,
        master_user="postgres",
        members=(member(),),
        cluster_parameter_group=TEAM,
    )
    return replace(row, **changes)


def group(name: str, *, family: str = FAMILY, users=("shop",), tags=None, **values: str | None) -> ParameterGroup:
    """A group; a value is a user's, None: the engine's. __ in a name is a dot."""
    rows = {
        key.replace("__", "."): Parameter(
            name=key.replace("__", "."),
            value=value if value is not None else "0",
            source="user" if value is not None else "engine-default",
            apply_type="static",
        )
        for key, value in values.items()
    }
    return ParameterGroup(name=name, family=family, cluster=True, users=users, parameters=rows, tags=tags or {})


def before(name: str = "max_wal_senders", value: str | None = None, set_to: str = "20", **changes) -> Before:
    row = Before(
        name=name,
        group_name=TEAM,
        cluster_group=True,
        value=value,
        source="user" if value is not None else "engine-default",
        live="10",
        apply_type="static",
        set_in=TEAM,
        set_to=set_to,
        recorded_at="2026-01-01",
    )
    return replace(row, **changes)


def facts(attached: ParameterGroup, *rows: Before, groups=(), slots=(), **changes) -> ParameterFacts:
    found = ParameterFacts(
        migration="shop",
        home="shop",
        database=database(cluster_parameter_group=attached.name),
        attached=attached,
        groups={one.name: one for one in (attached, *groups)},
        rows=rows,
        slots=slots,
        own_slots=frozenset({"ours"}),
        settings={"wal_level": "logical", "rds.logical_replication": "on"},
    )
    return replace(found, **changes)


def logical(name: str, database: str = "shop") -> Slot:
    return Slot(name=name, plugin="test_decoding", slot_type="logical", database=database, active=False)


def physical(name: str) -> Slot:
    return Slot(name=name, plugin=None, slot_type="physical", database=None, active=True)


SWITCH = before("rds.logical_replication", None, "1", live="off")
IN_OWN = replace(SWITCH, group_name=STOCK, set_in=OWN)


@pytest.mark.parametrize(
    ("row", "there", "restored"),
    [
        pytest.param(before(set_to="20"), "20", (None,), id="was the engine's: reset"),
        pytest.param(before(value="5", set_to="20"), "20", ("5",), id="was a user's: set"),
        pytest.param(before(set_to="20"), None, (), id="reset already"),
        pytest.param(before(value="5", set_to="20"), "5", (), id="set already"),
        pytest.param(before(set_to="20"), "40", (), id="raised by somebody since: stays"),
    ],
)
def test_a_value_in_a_group_of_theirs(row, there, restored):
    plan = plan_restore(facts(group(TEAM, max_wal_senders=there), row))

    assert tuple(one.value for one in plan.sets) == restored
    assert plan.attach == ""


def test_what_somebody_changed_since_is_told():
    plan = plan_restore(facts(group(TEAM, max_wal_senders="40"), before(set_to="20")))

    assert plan.is_empty
    assert "is 40 by now, and was set to 20" in plan.told[0]


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        pytest.param("pg_stat_statements,pglogical", "pg_stat_statements", id="as we set it"),
        pytest.param("pg_stat_statements,pglogical,pg_cron", "pg_stat_statements,pg_cron", id="added to since"),
        pytest.param("pg_stat_statements,pg_cron", None, id="ours is out already"),
    ],
)
def test_of_libraries_only_ours_is_taken_out(now, expected):
    row = before("shared_preload_libraries", "pg_stat_statements", "pg_stat_statements,pglogical")

    plan = plan_restore(facts(group(TEAM, shared_preload_libraries=now), row))

    assert [one.value for one in plan.sets] == ([expected] if expected else [])


def test_a_group_of_theirs_that_is_gone_or_aws_own_is_let_be():
    gone = facts(group(STOCK), before(set_in=TEAM))
    aws_own = facts(group(STOCK, max_wal_senders="20"), before(group_name=STOCK, set_in=STOCK))

    assert plan_restore(gone).is_empty
    assert plan_restore(aws_own).is_empty


def test_in_the_place_of_our_own_group_the_one_before_is_attached_again():
    own = group(OWN, tags=OURS, rds__logical_replication="1")

    plan = plan_restore(facts(own, IN_OWN, groups=[group(STOCK, rds__logical_replication=None)]))

    assert plan.attach == STOCK
    assert plan.sets == ()


def test_what_somebody_set_in_our_own_group_does_not_go_without_a_word():
    own = group(OWN, tags=OURS, rds__logical_replication="1", work_mem="64", statement_timeout="5", deadlock="1")
    old = group(STOCK, rds__logical_replication=None, work_mem=None, statement_timeout="5", deadlock=None)

    plan = plan_restore(facts(own, IN_OWN, groups=[old]))

    assert [told.split(" =")[0] for told in plan.told] == ["work_mem", "deadlock"]


@pytest.mark.parametrize(
    "groups",
    [
        pytest.param([], id="gone"),
        pytest.param([group(STOCK, family="aurora-postgresql14")], id="of the version before an upgrade"),
    ],
)
def test_an_old_group_that_cannot_be_attached_is_a_humans_matter(groups):
    found = facts(group(OWN, tags=OURS), IN_OWN, groups=groups)

    plan = plan_restore(found)

    assert plan.failure is not None
    assert not plan.attach
    (line,) = judge_all(parameter_traces(found, Teardown(), may_reboot=True))
    assert (line.fate, line.blocked) == (Fate.LEFT, True)


def test_our_own_group_that_is_not_attached_any_more_has_nothing_to_be_put_back():
    assert plan_restore(facts(group(STOCK), IN_OWN, groups=[group(OWN, tags=OURS)])).is_empty


CHANGED = facts(group(TEAM, rds__logical_replication="1"), SWITCH)


@pytest.mark.parametrize(
    ("changes", "own_go", "forbidden"),
    [
        pytest.param({}, False, False, id="nothing in the way"),
        pytest.param({"slots": (logical("theirs"),)}, True, True, id="a slot of anybody's"),
        pytest.param({"slots": (logical("theirs", "billing"),)}, False, True, id="a slot in another database"),
        pytest.param({"slots": (logical("ours"),)}, False, True, id="our own slot is still there"),
        pytest.param({"slots": (logical("ours"),)}, True, False, id="our own slot goes before"),
        pytest.param({"slots": (physical("standby"),)}, False, False, id="a standby's slot"),
        pytest.param({"others": (OtherMigration(name="b", database="b", how="x"),)}, False, True, id="a migration"),
        pytest.param({"unread": ("secret",)}, False, True, id="a database nobody may look into"),
        pytest.param({"pglogical_in": ("billing",)}, False, False, id="pglogical, and its library is not ours"),
    ],
)
def test_parameters_stay_while_anybody_needs_them(changes, own_go, forbidden):
    found = replace(CHANGED, **changes)
    plan = plan_restore(found)

    why = obstacles(found, plan, own_go=own_go)

    assert bool(why.all) is forbidden
    assert allowed(plan, why).is_empty is forbidden


LIBRARY = before("shared_preload_libraries", "a", "a,pglogical")
WITH_LIBRARY = facts(group(TEAM, rds__logical_replication="1", shared_preload_libraries="a,pglogical"), SWITCH, LIBRARY)


@pytest.mark.parametrize(
    ("where", "own_go", "stays", "kept"),
    [
        pytest.param((), True, False, False, id="nowhere"),
        pytest.param(("shop",), True, False, False, id="here, and goes before"),
        pytest.param(("shop",), False, False, True, id="here, and has not gone"),
        pytest.param(("shop",), True, True, True, id="here, and is kept as asked"),
        pytest.param(("billing",), True, False, True, id="in another database"),
    ],
)
def test_a_library_stays_preloaded_where_its_extension_is_installed(where, own_go, stays, kept):
    found = replace(WITH_LIBRARY, pglogical_in=where)
    plan = plan_restore(found)

    may = allowed(plan, obstacles(found, plan, own_go=own_go, pglogical_stays=stays))

    assert {one.name for one in may.sets} == {"rds.logical_replication"} | (
        set() if kept else {"shared_preload_libraries"}
    )


def test_our_own_group_stays_as_a_whole_if_one_of_its_parameters_must():
    rows = (IN_OWN, replace(LIBRARY, group_name=STOCK, set_in=OWN))
    found = facts(group(OWN, tags=OURS), *rows, groups=[group(STOCK)], pglogical_in=("billing",))
    plan = plan_restore(found)

    assert allowed(plan, obstacles(found, plan, own_go=True)).is_empty


@pytest.mark.parametrize(("slots", "stays"), [(5, False), (6, True)])
def test_slots_are_not_lowered_below_what_standbys_have(slots, stays):
    row = before("max_replication_slots", "5", "20", live="5")
    found = facts(
        group(TEAM, max_replication_slots="20"), row, slots=tuple(physical(f"standby_{n}") for n in range(slots))
    )
    plan = plan_restore(found)

    assert allowed(plan, obstacles(found, plan, own_go=False)).is_empty is stays


def test_of_two_migrations_values_the_oldest_is_what_was_there_before_both():
    first = before(value="10", set_to="15", recorded_at="2026-01-01")
    second = before(value="15", set_to="20", recorded_at="2026-02-01")

    (row,) = merged([second, first])

    assert (row.value, row.set_to) == ("10", "20")


@pytest.mark.parametrize(
    ("teardown", "changes", "fate"),
    [
        pytest.param(Teardown(), {}, Fate.LEFT, id="goes back"),
        pytest.param(Teardown(keep=[Keep.PARAMETERS]), {}, Fate.KEPT, id="kept as asked"),
        pytest.param(Teardown(), {"slots": (logical("theirs"),)}, Fate.KEPT, id="needed"),
        pytest.param(Teardown(), {"slots": (logical("ours"),)}, Fate.LEFT, id="our slot is no reason to keep them"),
    ],
)
def test_the_report_says_what_becomes_of_a_parameter(teardown, changes, fate):
    (line,) = judge_all(parameter_traces(replace(CHANGED, **changes), teardown, may_reboot=True))

    assert line.fate is fate
    if fate is Fate.LEFT:
        assert line.command == (
            "aws rds reset-db-cluster-parameter-group --db-cluster-parameter-group-name team"
            ' --parameters "ParameterName=rds.logical_replication,ApplyMethod=pending-reboot"'
        )


@pytest.mark.parametrize(
    ("rows", "may_reboot", "fates"),
    [
        pytest.param((SWITCH,), True, [Fate.LEFT], id="waits for our reboot"),
        pytest.param((SWITCH,), False, [Fate.KEPT], id="no reboot allowed"),
        pytest.param((), True, [Fate.GONE], id="waits, and not for us"),
    ],
)
def test_a_reboot_that_waits_is_told(rows, may_reboot, fates):
    found = facts(group(TEAM, rds__logical_replication=None), *rows)
    found = replace(found, database=database(members=(member(cluster_apply_status="pending-reboot"),)))

    lines = judge_all(parameter_traces(found, Teardown(), may_reboot=may_reboot))

    assert [line.fate for line in lines] == fates


@pytest.mark.parametrize(
    ("found", "fate"),
    [
        pytest.param(group(OWN, tags=OURS, users=()), Fate.LEFT, id="ours, unused"),
        pytest.param(group(OWN, tags=OURS, users=("shop",)), Fate.LEFT, id="ours, attached: goes once it is not"),
        pytest.param(group(OWN, tags=OURS, users=("shop", "books")), Fate.KEPT, id="used by another database"),
        pytest.param(group(OWN, users=()), Fate.FOREIGN, id="without our tag"),
        pytest.param(group(OWN, users=(), tags={"pg-cdc:migration": "b"}), Fate.FOREIGN, id="another migration's"),
    ],
)
def test_a_parameter_group_goes_if_it_is_ours_and_unused(found, fate):
    trace = group_trace(found, database(), migration="shop", attached=False, keep="")

    assert judge(trace).fate is fate
