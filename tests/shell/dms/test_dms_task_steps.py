"""The task: made once, started as its history asks, and judged by its tables."""

from __future__ import annotations

import json
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowFailException, TaskDeferred

from pg_cdc.failures import Differs, DmsFailed, NotOurs, NotYet
from pg_cdc.operators.dms.streaming import RecordSlotOperator, WaitStreamingOperator
from pg_cdc.operators.dms.task import EnsureTaskOperator, StartTaskOperator, WaitFullLoadOperator
from tests.shell.dms.test_dms_resource_steps import refused


def starts(world) -> list[str]:
    arn = world.task()["ReplicationTaskArn"]
    return [
        call.parameters["StartReplicationTaskType"]
        for call in world.sandbox.log
        if call.action == "StartReplicationTask" and call.parameters["ReplicationTaskArn"] == arn and not call.error
    ]


def make_foreign_task(world) -> None:
    world.run(EnsureTaskOperator)
    row = world.task()
    world.dms.remove_tags_from_resource(ResourceArn=row["ReplicationTaskArn"], TagKeys=["pg-cdc:migration"])


def test_a_task_that_is_not_ours_is_not_touched_until_it_may_be_adopted(ready, no_calls):
    make_foreign_task(ready)

    with no_calls():
        assert "adopt_existing" in refused(ready, EnsureTaskOperator, NotOurs)

    ready.spec["safety"] = {"adopt_existing": True}
    assert "tagged" in ready.run(EnsureTaskOperator)["changes"][0]


def test_mappings_are_modified_while_the_task_rests(ready, no_calls):
    ready.run(EnsureTaskOperator)
    ready.spec["tables"] = {"rules": [{"schema": "shop", "table": "orders"}]}

    changes = ready.run(EnsureTaskOperator)["changes"]

    assert "table_mappings" in changes[0]
    sent = json.loads(ready.task()["TableMappings"])["rules"]
    assert [rule["object-locator"]["table-name"] for rule in sent] == ["orders", "marker"]
    with no_calls():
        assert ready.run(EnsureTaskOperator)["changes"] == []


def test_only_the_settings_of_the_user_are_sent_and_compared(ready, no_calls):
    ready.spec["replication"] |= {"task_settings": {"FullLoadSettings": {"MaxFullLoadSubTasks": 4}}}
    ready.run(EnsureTaskOperator)

    settings = json.loads(ready.task()["ReplicationTaskSettings"])
    assert settings["FullLoadSettings"]["MaxFullLoadSubTasks"] == 4
    with no_calls():
        assert ready.run(EnsureTaskOperator)["changes"] == []

    ready.spec["replication"] |= {"task_settings": {"FullLoadSettings": {"MaxFullLoadSubTasks": 5}}}
    assert "FullLoadSettings.MaxFullLoadSubTasks is 4, the spec wants 5" in ready.run(EnsureTaskOperator)["changes"][0]


def test_a_running_task_is_not_modified(ready, no_calls):
    ready.run(EnsureTaskOperator)
    ready.run(StartTaskOperator)
    ready.spec["tables"] = {"rules": [{"schema": "shop", "table": "orders"}]}

    with no_calls():
        told = refused(ready, EnsureTaskOperator, Differs)

    assert "stop the task" in told


def test_a_task_of_another_type_is_refused_before_anything_is_changed(ready, no_calls):
    ready.run(EnsureTaskOperator)
    ready.spec["replication"] |= {"migration_type": "full-load"}

    with no_calls():
        assert "'full-load'" in refused(ready, EnsureTaskOperator, Differs)


def test_the_marker_table_is_there_before_the_task_and_readable_by_its_role(ready):
    ready.run(EnsureTaskOperator)

    assert ready.sql("source", "select has_table_privilege('app_dms', 'pgcdc.marker', 'select')") == [(True,)]
    assert ready.sql("source", "select count(*) from pgcdc.marker") == [(0,)]


def test_a_running_task_is_not_started_again(ready, no_calls):
    ready.run(EnsureTaskOperator)
    ready.run(StartTaskOperator)

    with no_calls():
        assert ready.run(StartTaskOperator)["facts"]["action"] == "nothing"
    assert starts(ready) == ["start-replication"]


def test_a_task_stopped_by_hand_is_named_so_and_resumed_on_the_same_slot(ready):
    ready.stream()
    (slot,) = (ready.run(RecordSlotOperator)["facts"]["slot"]["name"],)
    ready.stop_task()

    told = refused(ready, WaitFullLoadOperator, DmsFailed)
    assert "stopped by hand" in told
    assert "clear start_task" in told
    assert "stopped" in refused(ready, WaitStreamingOperator, DmsFailed)

    ready.sql("source", "insert into shop.orders values (1000, 1, 1)")
    ready.run(StartTaskOperator)
    ready.run(WaitFullLoadOperator)
    proved = ready.run(WaitStreamingOperator)

    assert starts(ready) == ["start-replication", "resume-processing"]
    assert "wrote a marker row on the source" in proved["changes"]
    assert proved["facts"]["slot"]["name"] == slot
    ready.wait(lambda: ready.sql("target", "select count(*) from shop.orders where id = 1000"), lambda n: n == [(1,)])


def test_a_task_whose_slot_is_lost_is_reloaded_and_its_new_slot_recorded(ready):
    ready.stream()
    (old,) = ready.sql("source", "select slot_name from pg_replication_slots where database = current_database()")
    ready.stop_task()
    ready.wait(
        lambda: ready.sql("source", "select active from pg_replication_slots where slot_name = %s", *old),
        lambda rows: rows == [(False,)],
    )
    ready.sql("source", "select pg_drop_replication_slot(%s)", *old)

    assert ready.run(StartTaskOperator)["facts"]["action"] == "reload-target"
    ready.run(WaitFullLoadOperator)
    ready.run(WaitStreamingOperator)
    facts = ready.run(RecordSlotOperator)["facts"]

    assert facts["slot"]["name"] not in (None, *old)


def test_slots_that_were_there_before_are_in_the_ledger_and_are_not_taken_for_the_tasks(ready):
    ready.run(EnsureTaskOperator)
    ready.sql("source", "select pg_create_logical_replication_slot('debezium_' || current_database(), 'test_decoding')")
    try:
        ready.run(StartTaskOperator)
        ready.run(WaitFullLoadOperator)
        ready.run(WaitStreamingOperator)
        slot = ready.run(RecordSlotOperator)["facts"]["slot"]["name"]

        rows = dict(ready.sql("source", "select slot_name, owner_kind from pgcdc.slot_owner"))
        assert rows == {f"debezium_{ready.spec['source']['database']}": "unknown", slot: "dms-task"}
    finally:
        ready.sql("source", "select pg_drop_replication_slot('debezium_' || current_database())")


def test_a_table_in_error_is_named_and_the_load_is_not_done(ready):
    ready.sql("source", "revoke select on shop.customers from app_dms")
    ready.run(EnsureTaskOperator)
    ready.run(StartTaskOperator)

    told = refused(ready, WaitFullLoadOperator, DmsFailed)

    assert "shop.customers" in told
    assert "shop.orders" not in told


def test_a_task_that_finds_no_table_has_failed(ready):
    ready.spec["tables"] = {"rules": [{"schema": "nowhere", "table": "%"}]}
    ready.sql("source", "select 1")
    ready.run(EnsureTaskOperator)
    ready.sql("source", "drop table pgcdc.marker")

    with pytest.raises(AirflowFailException) as failure:
        ready.run(StartTaskOperator)
        ready.run(WaitFullLoadOperator)

    assert "No tables were found" in str(failure.value)
    assert starts(ready) == ["start-replication"]


def test_a_load_that_was_never_started_is_no_success(ready):
    ready.run(EnsureTaskOperator)

    assert "nothing was started" in refused(ready, WaitFullLoadOperator, DmsFailed)


def test_a_start_is_waited_for_without_a_worker_and_sent_once(ready):
    ready.run(EnsureTaskOperator)
    step = StartTaskOperator(task_id="start_task", migration=ready.spec, patience_seconds=0)

    with pytest.raises(TaskDeferred) as deferred:
        step.execute({"params": {}})

    assert deferred.value.method_name == "resume_after_start"
    ready.until("running")
    told = ready.step(StartTaskOperator).resume_after_start({"params": {}}, {"end": "done"})
    assert told["facts"]["status"] == "running"
    assert starts(ready) == ["start-replication"]


def test_a_start_that_failed_while_deferred_is_told_and_not_sent_again(ready, no_calls):
    ready.spec["tables"] = {"rules": [{"schema": "nowhere", "table": "%"}]}
    ready.run(EnsureTaskOperator)
    ready.sql("source", "drop table pgcdc.marker")
    with pytest.raises(TaskDeferred):
        StartTaskOperator(task_id="start_task", migration=ready.spec, patience_seconds=0).execute({"params": {}})
    ready.until("failed")

    with no_calls(), pytest.raises(AirflowFailException, match="No tables were found"):
        ready.step(StartTaskOperator).resume_after_start({"params": {}}, {"end": "done"})


def test_a_start_that_dms_refuses_for_now_is_left_to_retries(ready):
    """A modified endpoint is tested again by itself; until that has succeeded DMS refuses a start."""
    ready.run(EnsureTaskOperator)
    arn = ready.hook.endpoint(f"{ready.name}-source")["EndpointArn"]
    ready.dms.modify_endpoint(EndpointArn=arn, Password="not-the-Passw0rd")

    with pytest.raises(NotYet, match="should be successful"):
        ready.run(StartTaskOperator)

    assert starts(ready) == []


def test_a_step_without_its_task_says_which_step_to_clear(ready):
    for operator in (StartTaskOperator, WaitFullLoadOperator, WaitStreamingOperator, RecordSlotOperator):
        assert "clear ensure_task" in refused(ready, operator, DmsFailed)


def test_two_candidates_for_the_slot_are_told_and_neither_is_recorded(ready, monkeypatch):
    ready.load()
    ready.run(WaitStreamingOperator)
    from pg_cdc.facts import streaming

    real = streaming.read_slot_readers

    def doubled(conn: Any) -> Any:
        from dataclasses import replace

        (mine, *_) = [r for r in real(conn) if r.slot.database == ready.spec["source"]["database"]]
        return (mine, replace(mine, slot=replace(mine.slot, name="another")))

    monkeypatch.setattr(streaming, "read_slot_readers", doubled)

    told = ready.run(RecordSlotOperator)

    assert "not certain" in told["warnings"][0]
    assert "another" in told["warnings"][0]
    assert told["changes"] == []
