"""The slot of a real task, as slot hygiene sees it: owned while the task exists, and an orphan afterwards."""

from __future__ import annotations

from pg_cdc.decisions.slots.policy import Policy
from pg_cdc.decisions.slots.verdicts import judge_source
from pg_cdc.facts.slots.server import read_source_facts
from pg_cdc.operators.dms.streaming import RecordSlotOperator, WaitStreamingOperator
from pg_cdc.operators.dms.task import EnsureTaskOperator, StartTaskOperator, WaitFullLoadOperator
from tests.shell.dms.conftest import World


def test_a_task_is_followed_from_running_to_stopped_to_deleted(ready):
    """Stopped it still owns its slot; deleted while the source is away it leaves an orphan, which is one."""
    for operator in (EnsureTaskOperator, StartTaskOperator, WaitFullLoadOperator, WaitStreamingOperator):
        ready.run(operator)
    ready.run(RecordSlotOperator)
    running = facts_of(ready)
    ready.stop_task()
    stopped = facts_of(ready)
    arn = ready.task()["ReplicationTaskArn"]
    ready.sandbox.faults.switch_on("orphan-slot", identifier=ready.name)
    ready.dms.delete_replication_task(ReplicationTaskArn=arn)
    ready.wait(lambda: ready.hook.task(ready.name, settings=False), lambda row: row is None)
    deleted = facts_of(ready)

    (name,) = [name for name, owner in running.owners.items() if owner.owner_id == arn]
    assert [facts.looks[name].state for facts in (running, stopped, deleted)] == ["exists", "exists", "gone"]
    assert (running.tasks[arn], stopped.tasks[arn]) == ("running", "stopped")
    assert [slot_of(facts, name).active for facts in (running, stopped, deleted)] == [True, False, False]
    assert not any(verdict.drop for verdict in judge_source(deleted, Policy(dry_run=False)))
    ready.sql("source", "select pg_drop_replication_slot(%s)", name)


def facts_of(world: World):
    return read_source_facts([world.migration])


def slot_of(facts, name):
    return next(slot for slot in facts.slots if slot.name == name)
