"""A read replica as a step, on real servers: made, seen to replay, promoted, seen to take writes, deleted."""

from __future__ import annotations

import psycopg
import pytest
from airflow.sdk.exceptions import AirflowFailException
from botocore.exceptions import ClientError

from pg_cdc.decisions.names import TAG
from pg_cdc.failures import NotAllowed, NotOurs, NotProved, PreflightFailed
from pg_cdc.operators.source.replica import (
    DeleteReplicaOperator,
    EnsureReplicaOperator,
    PlanReplicaOperator,
    PromoteReplicaOperator,
)
from tests.shell.rds_world import TaskInstance, spec

pytestmark = pytest.mark.usefixtures("aws_conn")
STEPS = (PlanReplicaOperator, EnsureReplicaOperator, PromoteReplicaOperator, DeleteReplicaOperator)


@pytest.fixture(scope="module")
def home(make_instance):
    """An RDS instance with a table."""
    database = make_instance("home")
    with database.connect() as conn:
        conn.execute("create table public.seen (n int)")
    return database


def run(step, **params):
    given = {f"replica_{key}": value for key, value in {"identifier": "home-reader", **params}.items()}
    operator = step(task_id="step", migration=spec("home"), patience_seconds=60)
    return operator.execute({"params": given, "ti": TaskInstance()})


def run_all(**params):
    return {step.__name__: run(step, **params) for step in STEPS}


def refused(step, **params):
    with pytest.raises(AirflowFailException) as caught:
        run(step, **params)
    return caught.value.__cause__


def test_a_replica_is_made_with_our_tag_and_seen_to_replay(home, sandbox, admin_conn, mutating_calls):
    admin_conn(home)

    with mutating_calls() as calls:
        told = run_all()

    rds = sandbox.client("rds")
    arn = rds.describe_db_instances(DBInstanceIdentifier="home-reader")["DBInstances"][0]["DBInstanceArn"]
    assert [call.action for call in calls] == ["CreateDBInstanceReadReplica"]
    assert rds.list_tags_for_resource(ResourceName=arn)["TagList"] == [{"Key": TAG, "Value": "orders"}]
    assert told["EnsureReplicaOperator"]["facts"]["replayed"] is True
    with home.connect() as conn:
        assert conn.execute("select count(*) from pg_replication_slots").fetchone() == (1,)
    with home.connect_member("home-reader") as conn, pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        conn.execute("insert into public.seen values (1)")


def test_a_second_run_changes_nothing(home, admin_conn, mutating_calls):
    admin_conn(home)

    with mutating_calls() as calls:
        told = run_all()

    assert calls == []
    assert told["PlanReplicaOperator"]["facts"]["changes"] == []


def test_one_that_does_not_replay_is_not_proved_and_not_promoted(home, admin_conn, mutating_calls):
    admin_conn(home)
    with home.connect_member("home-reader") as conn:
        conn.execute("select pg_wal_replay_pause()")
        with home.connect() as primary:
            primary.execute("insert into public.seen values (2)")

        with mutating_calls() as calls:
            failures = [refused(EnsureReplicaOperator), refused(PromoteReplicaOperator, goal="promoted")]
        conn.execute("select pg_wal_replay_resume()")

    assert [type(failure) for failure in failures] == [NotProved, NotProved]
    assert "paused" in failures[0].found and "paused" in failures[1].found
    assert calls == []


def test_a_replica_of_a_replica_follows_the_source_through_it_and_goes_when_asked(home, admin_conn, mutating_calls):
    admin_conn(home)
    second = {"identifier": "home-second", "of": "home-reader"}

    made = run(EnsureReplicaOperator, **second)
    with mutating_calls() as calls:
        keeps = refused(DeleteReplicaOperator, goal="gone")
        run_all(**second, goal="gone")
    with mutating_calls() as again:
        run_all(**second, goal="gone")

    assert made["facts"]["follows"] == "home-reader"
    assert isinstance(keeps, NotAllowed) and "home-second" in keeps.found
    assert [call.action for call in calls] == ["DeleteDBInstance"]
    assert again == []
    with home.connect_member("home-reader") as conn:
        assert conn.execute("select count(*) from pg_replication_slots").fetchone() == (0,)


def test_before_14_1_the_api_and_the_step_refuse_a_replica_of_a_replica(home, sandbox, admin_conn, monkeypatch):
    admin_conn(home)
    for name in ("home", "home-reader"):
        monkeypatch.setattr(sandbox.rds.instances[name], "version", "13.12")

    with pytest.raises(ClientError) as answer:
        sandbox.client("rds").create_db_instance_read_replica(
            DBInstanceIdentifier="home-old", SourceDBInstanceIdentifier="home-reader"
        )
    failure = refused(PlanReplicaOperator, identifier="home-old", of="home-reader")

    assert answer.value.response["Error"]["Code"] == "InvalidParameterCombination"
    assert isinstance(failure, PreflightFailed) and "14.1 or later" in failure.expected


def test_an_instance_that_is_not_ours_is_left_alone(home, admin_conn, mutating_calls):
    admin_conn(home)

    with mutating_calls() as calls:
        operator = PlanReplicaOperator(task_id="step", migration=spec("home", name="billing"))
        with pytest.raises(AirflowFailException) as caught:
            operator.execute({"params": {"replica_identifier": "home-reader"}, "ti": TaskInstance()})

    assert isinstance(caught.value.__cause__, NotOurs)
    assert calls == []


def test_promoted_it_takes_writes_and_its_slot_is_given_up(home, admin_conn, mutating_calls):
    admin_conn(home)

    with mutating_calls() as calls:
        told = run_all(goal="promoted")
    with mutating_calls() as again:
        run_all(goal="promoted")

    assert [call.action for call in calls] == ["PromoteReadReplica"]
    assert told["PromoteReplicaOperator"]["facts"] == {"replica": "home-reader", "promoted": True, "writable": True}
    assert again == []
    with home.connect_member("home-reader") as conn:
        conn.execute("insert into public.seen values (3)")
    with home.connect() as conn:
        assert conn.execute("select count(*) from pg_replication_slots").fetchone() == (0,)


def test_a_promoted_one_is_not_deleted(home, admin_conn, mutating_calls):
    admin_conn(home)

    with mutating_calls() as calls:
        failure = refused(DeleteReplicaOperator, goal="gone")

    assert isinstance(failure, NotAllowed) and "of its own" in failure.found
    assert calls == []
