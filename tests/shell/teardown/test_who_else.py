"""What is not ours, or somebody else needs, stays; and the report says so."""

from __future__ import annotations

from typing import Any

import pytest

from pg_cdc.decisions.names import TAG
from tests.cases import all_but_exhaustive


def fates(report: dict[str, Any]) -> dict[tuple[str, str], str]:
    return {(line["kind"], line["name"]): line["fate"] for line in report["lines"]}


def made_by_hand(world, name: str) -> str:
    """An endpoint that lacks our tag, whatever its name."""
    answer = world.hook.call(
        "create_endpoint",
        EndpointIdentifier=name,
        EndpointType="source",
        EngineName="aurora-postgresql",
        ServerName="localhost",
        Port=world.target.port,
        DatabaseName="shop",
        Username="somebody",
        Password="a-secret-Passw0rd",
    )
    return answer["Endpoint"]["EndpointArn"]


@pytest.fixture
def gone(ready_world):
    """Take down what a test leaves."""
    yield ready_world
    if (row := ready_world.hook.endpoint("pg-cdc-torn-source")) and row["Status"] != "deleting":
        ready_world.hook.call("delete_endpoint", EndpointArn=row["EndpointArn"])
    ready_world.until(lambda: ready_world.hook.endpoint("pg-cdc-torn-source") is None)


def test_what_has_our_name_and_not_our_tag_is_listed_and_left_alone(gone, mutating_calls):
    made_by_hand(gone, "pg-cdc-torn-source")

    with mutating_calls() as calls:
        for step in ("stop_task", "delete_task", "delete_endpoints", "delete_replication_instance"):
            assert gone.step(step)["changes"] == []
        told = gone.teardown()

    assert set(told) == {"inspect_residue", "residue_report"}
    assert calls == []
    assert fates(gone.report())["endpoint", "pg-cdc-torn-source"] == "not ours"
    assert gone.report()["status"] == "clean"


def test_what_another_migration_has_made_is_not_ours(gone):
    arn = made_by_hand(gone, "pg-cdc-torn-source")
    gone.hook.call("add_tags_to_resource", ResourceArn=arn, Tags=[{"Key": TAG, "Value": "books"}])

    gone.teardown()

    (line,) = [one for one in gone.report()["lines"] if one["fate"] == "not ours"]
    assert "books" in line["why"]


@pytest.mark.exhaustive
def test_an_instance_that_another_task_uses_stays_until_that_is_gone(ready_world):
    world = ready_world
    without = {"inspect_source", "preflight", "plan", "canary_ddl", "start_task", "wait_full_load"}
    before = world.fingerprint()
    world.migrate(upto="ensure_task", without=without)
    row = world.hook.task("pg-cdc-torn", settings=True)
    other = world.hook.call(
        "create_replication_task",
        ReplicationTaskIdentifier="somebody-elses",
        SourceEndpointArn=row["SourceEndpointArn"],
        TargetEndpointArn=row["TargetEndpointArn"],
        ReplicationInstanceArn=row["ReplicationInstanceArn"],
        MigrationType="full-load",
        TableMappings=row["TableMappings"],
    )["ReplicationTask"]["ReplicationTaskArn"]

    world.teardown()

    assert world.report()["status"] == "clean"
    found = fates(world.report())
    assert found["replication instance", "pg-cdc-torn"] == "kept"
    assert found["endpoint", "pg-cdc-torn-source"] == "kept"
    assert found["replication subnet group", "pg-cdc-torn"] == "kept"
    assert found["replication task", "pg-cdc-torn"] == "gone"

    world.hook.call("delete_replication_task", ReplicationTaskArn=other)
    world.until(lambda: world.hook.task("somebody-elses", settings=False) is None)
    world.teardown()
    assert world.report()["status"] == "clean"
    assert world.fingerprint() == before


@pytest.mark.exhaustive
def test_a_task_that_is_being_started_is_waited_for_and_stopped(ready_world):
    world = ready_world
    world.share_instance()
    before = world.fingerprint()
    world.migrate(upto="ensure_task", without={"inspect_source", "preflight", "plan", "canary_ddl"})
    arn = world.hook.task("pg-cdc-torn", settings=False)["ReplicationTaskArn"]
    world.until(lambda: world.hook.task("pg-cdc-torn", settings=False)["Status"] == "ready")
    world.hook.call("start_replication_task", ReplicationTaskArn=arn, StartReplicationTaskType="start-replication")

    told = world.teardown(without={"inspect_residue"})

    assert told["stop_task"]["changes"] == ["stopped replication task pg-cdc-torn"]
    assert world.report()["status"] == "clean"
    assert world.fingerprint() == before


@pytest.mark.exhaustive
def test_every_step_has_nothing_to_do_the_second_time(ready_world, mutating_calls):
    world = ready_world
    before = world.fingerprint()
    world.migrate(without={"inspect_source", "preflight", "plan", "canary_ddl"})

    for task in world.teardown_steps():
        world.run(task)
        with mutating_calls() as calls:
            again = world.run(task)
        assert again["changes"] == [], task.task_id
        assert calls == [], task.task_id

    assert world.report()["status"] == "clean"
    assert world.fingerprint() == before


def test_a_dry_run_changes_nothing_and_speaks_of_what_is_to_come(ready_world, mutating_calls):
    world = ready_world
    world.share_instance()
    world.migrate(upto="install_ddl_audit", without={"inspect_source", "preflight", "plan"})
    before = world.fingerprint()
    # Not the transaction counter: autovacuum moves it too.
    rows = "select xmin::text, t::text from pgcdc.lease t"
    last = world.sql(rows, dbname="postgres")

    with mutating_calls() as calls:
        told = world.teardown(teardown_dry_run=True)

    assert set(told) == {"inspect_residue", "residue_report"}
    assert calls == []
    assert world.sql(rows, dbname="postgres") == last
    assert world.fingerprint() == before
    assert world.report()["status"] == "planned"
    text = (world.reports / "teardown-torn.md").read_text()
    assert "will go" in text
    assert "| event trigger | awsdms_intercept_ddl of shop | will go |" in text
    world.teardown()
    assert world.report()["status"] == "clean"


CUT_OFF_AFTER = ["stop_task", "delete_task", "delete_endpoints", "drop_dms_role"]


@pytest.mark.parametrize("stopped_after", all_but_exhaustive(CUT_OFF_AFTER, {"delete_task"}))
def test_a_teardown_goes_on_where_it_was_cut_off(ready_world, stopped_after):
    world = ready_world
    world.share_instance()
    before = world.fingerprint()
    upto = "wait_streaming" if stopped_after in ("stop_task", "delete_task") else "ensure_task"
    world.migrate(upto=upto, without={"inspect_source", "preflight", "plan", "canary_ddl"})
    world.teardown(upto=stopped_after, without={"inspect_residue"})

    world.teardown(without={"inspect_residue"})

    assert world.report()["status"] == "clean"
    assert world.fingerprint() == before
