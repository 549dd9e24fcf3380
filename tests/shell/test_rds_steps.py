"""From stock settings to logical replication on real servers: each step proved, and nothing done twice."""

from __future__ import annotations

import pytest
from airflow.sdk.exceptions import AirflowFailException

from pg_cdc.decisions.names import TAG
from pg_cdc.failures import Differs, NotAllowed, NotProved
from pg_cdc.operators.source.parameters import (
    AttachParameterGroupOperator,
    EnsureParameterGroupOperator,
    ProveParametersOperator,
    RebootSourceOperator,
    SetParametersOperator,
)
from tests.shell.rds_world import STEPS, TaskInstance, make_group, run, run_all, set_in_group, spec

pytestmark = pytest.mark.usefixtures("aws_conn")


def show(database, name, member=None) -> str:
    with database.connect_member(member) if member else database.connect() as conn:
        return conn.execute("select current_setting(%s)", [name]).fetchone()[0]


def memory(database) -> list[tuple[str, str]]:
    """Return what was recorded, with the transaction that wrote each row."""
    tables = ("pgcdc.parameter_before", "pgcdc.reboot")
    with database.connect() as conn:
        rows = [conn.execute(f"select xmin::text, t::text from {table} t order by 2").fetchall() for table in tables]
    assert [len(found) for found in rows] == [3, 2]
    return [row for found in rows for row in found]


def actions(calls) -> list[str]:
    return [call.action for call in calls]


@pytest.fixture(scope="module")
def stock(make_cluster):
    """An Aurora cluster on AWS's own groups, with a reader."""
    return make_cluster("stock", readers=1)


@pytest.fixture(scope="module")
def family(sandbox, stock) -> str:
    version = sandbox.client("rds").describe_db_clusters(DBClusterIdentifier="stock")["DBClusters"][0]["EngineVersion"]
    return f"aurora-postgresql{version.split('.')[0]}"


def test_a_stock_aurora_cluster_becomes_a_source_of_changes(stock, sandbox, admin_conn, mutating_calls):
    admin_conn(stock)
    migration = spec("stock")

    with mutating_calls() as calls:
        told = run_all(migration)

    assert show(stock, "wal_level") == "logical"
    assert show(stock, "rds.logical_replication") == "on"
    assert show(stock, "shared_preload_libraries").split(",")[-2:] == ["pg_stat_statements", "pglogical"]
    assert int(show(stock, "max_worker_processes")) >= 15
    assert sorted(set(actions(calls))) == [
        "CreateDBClusterParameterGroup",
        "ModifyDBCluster",
        "ModifyDBClusterParameterGroup",
        "RebootDBInstance",
    ]
    assert [call.parameters["DBInstanceIdentifier"] for call in calls if call.action == "RebootDBInstance"] == [
        "stock-1",
        "stock-2",
    ]
    reboots = told["RebootSourceOperator"]["facts"]["reboots"]
    assert [one["instance"] for one in reboots] == ["stock-1", "stock-2"]
    assert all(one["seconds"] > 0 for one in reboots)
    assert "rds.logical_replication" in reboots[0]["reason"]
    assert "pending-reboot" in reboots[1]["reason"]


def test_the_reader_has_the_new_settings_too(stock):
    assert show(stock, "rds.logical_replication", member="stock-2") == "on"
    assert "pglogical" in show(stock, "shared_preload_libraries", member="stock-2")


def test_our_group_carries_our_tag(stock, sandbox, family):
    rds = sandbox.client("rds")
    group = rds.describe_db_clusters(DBClusterIdentifier="stock")["DBClusters"][0]["DBClusterParameterGroup"]
    arn = rds.describe_db_cluster_parameter_groups(DBClusterParameterGroupName=group)["DBClusterParameterGroups"][0][
        "DBClusterParameterGroupArn"
    ]

    assert group == f"pg-cdc-stock-{family}"
    assert rds.list_tags_for_resource(ResourceName=arn)["TagList"] == [{"Key": TAG, "Value": "orders"}]


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.__name__)
def test_a_finished_step_run_again_changes_nothing_and_still_tells_what_was(stock, admin_conn, mutating_calls, step):
    admin_conn(stock)
    remembered = memory(stock)

    with mutating_calls() as calls:
        told = run(step, spec("stock"))

    assert calls == []
    assert told["changes"] == []
    assert memory(stock) == remembered
    if step is SetParametersOperator:
        before = {row["name"]: (row["before"], row["after"]) for row in told["facts"]["parameters"]}
        assert before["rds.logical_replication"] == ("0", "1")
        assert before["max_worker_processes"] == ("8", "15")
        assert before["max_replication_slots"] == ("20", "20")
    if step is RebootSourceOperator:
        assert [one["instance"] for one in told["facts"]["reboots"]] == ["stock-1", "stock-2"]


def test_the_proof_tells_what_is_in_force(stock, admin_conn):
    admin_conn(stock)

    facts = run(ProveParametersOperator, spec("stock"))["facts"]

    after = {row["name"]: row["after"] for row in facts["parameters"]}
    assert after["rds.logical_replication"] == "on"
    assert facts["wal_level"] == "logical"


def test_a_step_leads_to_the_cluster_in_the_console(stock, admin_conn):
    admin_conn(stock)
    ti = TaskInstance()

    ProveParametersOperator(task_id="step", migration=spec("stock")).execute({"params": {}, "ti": ti})

    assert ti.pushed["_link_RdsInstanceLink"].endswith("#database:id=stock;is-cluster=true")


def test_a_second_migration_of_the_cluster_finds_all_as_it_should_be(stock, admin_conn, mutating_calls):
    admin_conn(stock)

    with mutating_calls() as calls:
        told = run_all(spec("stock", name="billing"))

    assert calls == []
    assert all(one["changes"] == [] for one in told.values())


def test_a_stock_multi_az_instance_has_its_only_group_replaced(make_instance, admin_conn, mutating_calls):
    database = make_instance("plain", MultiAZ=True)
    admin_conn(database)

    with mutating_calls() as calls:
        run_all(spec("plain"))
    with mutating_calls() as again:
        run_all(spec("plain"))

    assert show(database, "wal_level") == "logical"
    assert sorted(set(actions(calls))) == [
        "CreateDBParameterGroup",
        "ModifyDBInstance",
        "ModifyDBParameterGroup",
        "RebootDBInstance",
    ]
    assert again == []
    (reboot,) = [call for call in calls if call.action == "RebootDBInstance"]
    assert reboot.parameters["ForceFailover"] is False, "the standby of a Multi-AZ instance would keep the old values"


@pytest.fixture(scope="module")
def shared(sandbox, make_cluster, family):
    """Two clusters on one group of a team's own."""
    make_group(sandbox, "team", cluster=True, family=family, work_mem="65536", max_wal_senders="12")
    make_cluster("neighbour", parameter_group="team")
    return make_cluster("sharer", parameter_group="team")


def test_a_shared_group_is_left_alone_and_its_values_are_taken_over(shared, sandbox, admin_conn, family):
    admin_conn(shared)
    before = set_in_group(sandbox, "team", cluster=True)

    told = run_all(spec("sharer"))

    own = set_in_group(sandbox, f"pg-cdc-sharer-{family}", cluster=True)
    assert set_in_group(sandbox, "team", cluster=True) == before
    assert own == {**own, "work_mem": "65536", "max_wal_senders": "12"}
    assert "neighbour" in told["EnsureParameterGroupOperator"]["facts"]["why"]
    assert show(shared, "work_mem") == "64MB"


def test_a_shared_group_is_changed_itself_when_the_spec_allows_it(sandbox, make_cluster, admin_conn, family):
    make_group(sandbox, "both", cluster=True, family=family)
    make_cluster("other", parameter_group="both")
    database = make_cluster("allowed", parameter_group="both")
    admin_conn(database)
    migration = spec("allowed", safety={"allow_shared_parameter_group": True})

    run_all(migration, [EnsureParameterGroupOperator, SetParametersOperator, AttachParameterGroupOperator])

    assert set_in_group(sandbox, "both", cluster=True)["rds.logical_replication"] == "1"
    groups = sandbox.client("rds").describe_db_cluster_parameter_groups()["DBClusterParameterGroups"]
    assert f"pg-cdc-allowed-{family}" not in [group["DBClusterParameterGroupName"] for group in groups]


@pytest.fixture(scope="module")
def waiting(make_cluster):
    """A cluster for the steps that stop on the way."""
    return make_cluster("waiting")


def test_without_consent_nothing_is_rebooted_and_who_waits_is_named(waiting, admin_conn, mutating_calls):
    admin_conn(waiting)
    migration = spec("waiting", safety={"allow_reboot": False})
    run_all(migration, STEPS[:3])

    with mutating_calls() as calls, pytest.raises(AirflowFailException) as refused:
        run(RebootSourceOperator, migration)

    assert isinstance(refused.value.__cause__, NotAllowed)
    assert "waiting-1" in refused.value.__cause__.found
    assert calls == []


def test_what_is_not_in_force_is_not_proved(waiting, admin_conn):
    admin_conn(waiting)

    with pytest.raises(AirflowFailException) as refused:
        run(ProveParametersOperator, spec("waiting"))

    assert isinstance(refused.value.__cause__, NotProved)
    assert "wal_level is replica" in refused.value.__cause__.found
    assert "waiting-1 is pending-reboot" in refused.value.__cause__.found


def test_after_somebody_elses_reboot_the_step_has_nothing_to_do(waiting, sandbox, admin_conn, mutating_calls):
    from tests.fix_sandbox import wait_available

    admin_conn(waiting)
    sandbox.client("rds").reboot_db_instance(DBInstanceIdentifier="waiting-1")
    wait_available(sandbox, "waiting-1", status="rebooting")
    wait_available(sandbox, "waiting-1")

    with mutating_calls() as calls:
        told = run_all(spec("waiting", safety={"allow_reboot": False}), STEPS[3:])

    assert calls == []
    assert told["RebootSourceOperator"]["facts"]["reboots"] == []


def test_an_instance_group_that_defeats_the_cluster_group_is_refused_before_a_change(
    sandbox, make_cluster, admin_conn, family, mutating_calls
):
    make_group(sandbox, "narrow", cluster=False, family=family, max_worker_processes="8")
    database = make_cluster("narrowed", instance_parameter_group="narrow")
    admin_conn(database)
    run(EnsureParameterGroupOperator, spec("narrowed"))

    with mutating_calls() as calls, pytest.raises(AirflowFailException) as refused:
        run(SetParametersOperator, spec("narrowed"))

    assert isinstance(refused.value.__cause__, Differs)
    assert "max_worker_processes is set by a user in narrow" in refused.value.__cause__.found
    assert "ResetDBParameterGroup" in refused.value.__cause__.next
    assert calls == []
