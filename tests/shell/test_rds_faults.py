"""Whatever goes wrong on the way, running the step again ends in the same state, with nothing done twice."""

from __future__ import annotations

import pytest
from airflow.sdk.exceptions import AirflowFailException
from botocore.exceptions import ClientError

from pg_cdc.failures import NotOurs, NotProved, PreflightFailed
from pg_cdc.hooks.rds import CdcRdsHook
from pg_cdc.operators.source.parameters import (
    EnsureParameterGroupOperator,
    RebootSourceOperator,
    SetParametersOperator,
)
from tests.fix_sandbox import wait_available
from tests.shell.rds_world import STEPS, make_group, run, run_all, set_in_group, spec

pytestmark = pytest.mark.usefixtures("aws_conn")


@pytest.fixture(scope="module")
def family(sandbox) -> str:
    engines = sandbox.client("rds").describe_db_engine_versions(Engine="aurora-postgresql")["DBEngineVersions"]
    return engines[0]["DBParameterGroupFamily"]


@pytest.fixture
def faults(sandbox):
    yield sandbox.faults
    sandbox.faults.clear()


@pytest.fixture(scope="module")
def unlucky(make_cluster):
    """A stock cluster to which everything happens."""
    return make_cluster("unlucky")


def until_done(step, migration, tries=4):
    """Run a step as Airflow's retries would: a refusal is final, anything else is tried again."""
    for _ in range(tries):
        try:
            return run(step, migration)
        except ClientError:
            continue
    raise AssertionError(f"{step.__name__} did not get through")


LOST = {
    "EnsureParameterGroupOperator": "CreateDBClusterParameterGroup",
    "SetParametersOperator": "ModifyDBClusterParameterGroup",
    "AttachParameterGroupOperator": "ModifyDBCluster",
    "RebootSourceOperator": "RebootDBInstance",
}


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.__name__)
def test_an_answer_lost_after_the_effect_is_not_an_effect_twice(unlucky, sandbox, admin_conn, faults, step):
    admin_conn(unlucky)
    before = max(call.number for call in sandbox.log)
    if action := LOST.get(step.__name__):
        faults.switch_on("timeout-after-effect", service="rds", action=action, calls=1)

    until_done(step, spec("unlucky"))

    made = [call.action for call in sandbox.log.since(before) if call.mutating]
    repeatable = ("ModifyDBClusterParameterGroup", "ModifyDBCluster")
    assert made in ([], [action], [action, action] if action in repeatable else [action])


def test_after_all_that_the_source_is_ready(unlucky, admin_conn, mutating_calls):
    admin_conn(unlucky)

    with mutating_calls() as calls:
        told = run_all(spec("unlucky"))

    assert calls == []
    assert told["ProveParametersOperator"]["facts"]["wal_level"] == "logical"
    assert len(told["RebootSourceOperator"]["facts"]["reboots"]) == 1


@pytest.mark.parametrize("kind", ["throttle", "server-error"])
def test_what_aws_does_not_answer_is_left_to_retries(unlucky, admin_conn, faults, kind):
    admin_conn(unlucky)
    faults.switch_on(kind, service="rds", calls=50)

    with pytest.raises(ClientError):
        run(SetParametersOperator, spec("unlucky"))


class Stopped(Exception):
    """The worker is gone."""


def test_a_run_that_stops_between_two_batches_is_finished_by_the_next(
    sandbox, make_cluster, admin_conn, family, monkeypatch
):
    make_group(sandbox, "halfway", cluster=True, family=family)
    database = make_cluster("halfway", parameter_group="halfway")
    admin_conn(database)
    modify = CdcRdsHook.modify_group
    done = []

    def once(self, name, **request):
        if done:
            raise Stopped
        done.append(modify(self, name, **request))

    with monkeypatch.context() as patch:
        patch.setattr(CdcRdsHook, "modify_group", once)
        with pytest.raises(Stopped):
            run(SetParametersOperator, spec("halfway"), batch_size=1)
    half = set_in_group(sandbox, "halfway", cluster=True)

    told = run(SetParametersOperator, spec("halfway"), batch_size=1)

    assert len(half) == 1
    assert set_in_group(sandbox, "halfway", cluster=True) == {
        "rds.logical_replication": "1",
        "shared_preload_libraries": "pg_stat_statements,pglogical",
        "max_worker_processes": "15",
    }
    assert len(told["changes"]) == 2
    before = {row["name"]: row["before"] for row in told["facts"]["parameters"]}
    assert before["rds.logical_replication"] == "0"


def test_a_run_that_stops_before_the_request_to_reboot_makes_it_later(
    sandbox, make_cluster, admin_conn, monkeypatch, mutating_calls
):
    database = make_cluster("unasked")
    admin_conn(database)
    run_all(spec("unasked"), STEPS[:3])

    def stop(self, instance):
        raise Stopped

    with monkeypatch.context() as patch:
        patch.setattr(CdcRdsHook, "reboot", stop)
        with pytest.raises(Stopped):
            run(RebootSourceOperator, spec("unasked"))
    with mutating_calls() as calls:
        told = run(RebootSourceOperator, spec("unasked"))

    assert [call.action for call in calls] == ["RebootDBInstance"]
    assert len(told["facts"]["reboots"]) == 1


def test_a_group_of_our_name_without_our_tag_is_not_touched(sandbox, make_cluster, admin_conn, family, mutating_calls):
    make_group(sandbox, f"pg-cdc-foreign-{family}", cluster=True, family=family)
    database = make_cluster("foreign")
    admin_conn(database)

    with mutating_calls() as calls, pytest.raises(AirflowFailException) as refused:
        run(EnsureParameterGroupOperator, spec("foreign"))
    adopted = run(EnsureParameterGroupOperator, spec("foreign", safety={"adopt_existing": True}))
    again = run(EnsureParameterGroupOperator, spec("foreign"))

    assert isinstance(refused.value.__cause__, NotOurs)
    assert calls == []
    assert "tagged" in adopted["changes"][0]
    assert again["changes"] == []


def test_a_server_that_does_not_start_with_its_values_is_a_failure_with_a_cure(
    sandbox, make_cluster, admin_conn, family
):
    make_group(sandbox, "toobig", cluster=True, family=family)
    database = make_cluster("toobig", parameter_group="toobig")
    admin_conn(database)
    huge = {"ParameterName": "shared_buffers", "ParameterValue": "1073741823", "ApplyMethod": "pending-reboot"}
    sandbox.client("rds").modify_db_cluster_parameter_group(DBClusterParameterGroupName="toobig", Parameters=[huge])
    run_all(spec("toobig"), STEPS[:3])

    with pytest.raises(AirflowFailException) as refused:
        run(RebootSourceOperator, spec("toobig"))

    assert isinstance(refused.value.__cause__, NotProved)
    assert "toobig-1 is incompatible-parameters" in refused.value.__cause__.found
    assert "put back" in refused.value.__cause__.next


def test_a_stopped_instance_is_refused_before_a_change(sandbox, make_instance, admin_conn, mutating_calls):
    database = make_instance("asleep")
    admin_conn(database)
    sandbox.client("rds").stop_db_instance(DBInstanceIdentifier="asleep")
    wait_available(sandbox, "asleep", status="stopped")

    with mutating_calls() as calls, pytest.raises(AirflowFailException) as refused:
        run(EnsureParameterGroupOperator, spec("asleep"))

    assert isinstance(refused.value.__cause__, PreflightFailed)
    assert "asleep is stopped" in refused.value.__cause__.found
    assert calls == []
