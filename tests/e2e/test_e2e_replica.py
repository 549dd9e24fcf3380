"""A read replica as a user has it: made, found as it should be, and deleted, each by a run of the DAG."""

import pytest

from pg_cdc.decisions.names import TAG
from sandbox.demo.settings import TARGET
from sandbox.demo.watch import CONF
from tests.e2e.conftest import failures, finish, last_call

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.exhaustive, pytest.mark.timeout(1800)]

DAG_ID = "pg_cdc_replica"
READER = "shop-reader"
GIVEN = CONF | {
    "source_identifier": TARGET, "source_database": "postgres", "source_admin_conn_id": "pg_cdc_target",
    "safety_dry_run": False,
}  # fmt: skip


@pytest.fixture
def run(running):
    """``run(goal)``: a run that is over, and what it changed."""

    def of(goal: str) -> list[str]:
        before = last_call(running)
        over = finish(running, running.airflow.trigger(DAG_ID, GIVEN | {"replica_goal": goal}), DAG_ID)
        assert over.state == "success", failures(over, DAG_ID)
        return [call.action for call in running.sandbox.log.since(before) if call.mutating]

    return of


def instances(running) -> dict[str, dict]:
    rows = running.sandbox.client("rds").describe_db_instances()["DBInstances"]
    return {row["DBInstanceIdentifier"]: row for row in rows}


def test_it_is_made_once_and_deleted_when_that_is_asked_for(running, run):
    assert run("following") == ["CreateDBInstanceReadReplica"]
    made = instances(running)[READER]
    assert made["ReadReplicaSourceDBInstanceIdentifier"] == TARGET
    assert {tag["Key"] for tag in made["TagList"]} == {TAG}

    assert run("following") == []

    assert run("gone") == ["DeleteDBInstance"]
    assert READER not in instances(running)
    assert run("gone") == []
