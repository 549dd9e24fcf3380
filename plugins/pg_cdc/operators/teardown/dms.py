"""Take down what a migration has in DMS, in the one order that DMS takes: task, endpoints, instance, subnet group."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pg_cdc.config.teardown import teardown_from_params
from pg_cdc.decisions.outcome import Outcome
from pg_cdc.failures import DmsFailed, NotProved, NotYet
from pg_cdc.operators.dms.step import DmsStep
from pg_cdc.operators.source.step import remember, remembered

if TYPE_CHECKING:
    from airflow.sdk import Context

    from pg_cdc.config import Migration
    from pg_cdc.decisions.teardown.dms import Found, Kind
    from pg_cdc.hooks.dms import CdcDmsHook
    from pg_cdc.waits import Wait


class StopTaskOperator(DmsStep):
    """Stop our replication task and wait until it is at rest. Its slot stays until the task is deleted."""

    def step(self, migration: Migration, context: Context) -> Outcome:
        """Stop what runs."""
        from pg_cdc.decisions.teardown.dms import Kind, is_ours, whose
        from pg_cdc.hooks.dms import CdcDmsHook

        hook = CdcDmsHook.of(migration)
        task = self._task(hook, migration)
        if task is None or not is_ours(task.tags, migration.name):
            return Outcome(facts={"task": f"left alone: {whose(task.tags, migration.name)}" if task else "gone"})
        if task.status != "running":
            self._rest(hook, migration, context, running=False)
            task = self._task(hook, migration)
        changes = remembered(context)
        if task is not None and task.status == "running":
            self._stop(hook, task)
            changes = remember(context, [f"stopped {Kind.TASK.value} {task.name}"])
            self._rest(hook, migration, context, running=True)
            task = self._task(hook, migration)
        return Outcome(changes=changes, facts={"task": task.status if task else "gone"})

    def _task(self, hook: CdcDmsHook, migration: Migration) -> Found | None:
        from pg_cdc.decisions import names
        from pg_cdc.decisions.teardown.dms import Kind
        from pg_cdc.facts.teardown.residue_dms import find

        return find(hook, Kind.TASK, names.resource(migration.name), migration.name)

    def _stop(self, hook: CdcDmsHook, task: Found) -> None:
        from botocore.exceptions import ClientError

        from pg_cdc.hooks.aws_errors import error_code

        try:
            hook.call("stop_replication_task", ReplicationTaskArn=task.arn)
        except ClientError as error:
            if error_code(error) != "InvalidResourceStateFault":
                raise
            raise NotYet(f"DMS does not stop task {task.name} now, which may pass: {error}") from error

    def _rest(self, hook: CdcDmsHook, migration: Migration, context: Context, *, running: bool) -> None:
        from pg_cdc.decisions import names
        from pg_cdc.waits.dms_gone import TaskAtRest

        wait = TaskAtRest(identifier=names.resource(migration.name), running=running, **self.sharing(migration))
        self.wait_minutes(wait, context, migration, migration.timeouts.streaming_minutes)


class DeleteDms(DmsStep):
    """Delete our things of some kinds, each only if it is ours and nobody else's stands on it."""

    def kinds(self) -> tuple[Kind, ...]:
        """Return the kinds, in order."""
        raise AssertionError("a subclass says which")

    def minutes(self, migration: Migration) -> int:
        """Return how long one of them may take to go."""
        return migration.timeouts.connection_minutes

    def step(self, migration: Migration, context: Context) -> Outcome:
        """Delete, and see that it is gone."""
        from pg_cdc.hooks.dms import CdcDmsHook

        hook = CdcDmsHook.of(migration)
        changes, facts = remembered(context), {}
        for kind, name in self.things(hook, migration):
            made, fate = self._take_down(hook, kind, name, migration, context, changes)
            changes, facts[f"{kind.value} {name}"] = made, fate
        return Outcome(changes=changes, facts=facts)

    def things(self, hook: CdcDmsHook, migration: Migration) -> tuple[tuple[Kind, str], ...]:
        """Return what to delete, in order."""
        from pg_cdc.decisions.teardown.dms import wanted_names

        return tuple((kind, name) for kind, name in wanted_names(migration.name) if kind in self.kinds())

    def _take_down(
        self, hook: CdcDmsHook, kind: Kind, name: str, migration: Migration, context: Context, made: tuple[str, ...]
    ) -> tuple[tuple[str, ...], str]:
        from pg_cdc.decisions.teardown.dms import DELETING, trace
        from pg_cdc.decisions.teardown.residue import Fate, judge
        from pg_cdc.facts.teardown.residue_dms import find
        from pg_cdc.waits.dms_gone import ResourceGone

        found = find(hook, kind, name, migration.name)
        teardown = teardown_from_params(context["params"])
        fate = judge(trace(kind, name, found, migration=migration.name, teardown=teardown))
        if found is None or fate.fate is not Fate.LEFT:
            return made, f"{fate.fate.value}{f': {fate.why}' if fate.why else ''}"
        if found.status != DELETING:
            self._delete(hook, found)
            made = remember(context, (*made, f"deleted {kind.value} {name}"))
        wait: Wait = ResourceGone(kind=kind.value, name=name, **self.sharing(migration))
        self.wait_minutes(wait, context, migration, self.minutes(migration))
        if find(hook, kind, name, migration.name) is not None:
            raise NotProved(
                found=f"{kind.value} {name} is there again after it was deleted",
                expected="nothing of this name",
                next="see that no migration of this name is running, then clear this task",
            )
        return made, Fate.GONE.value

    def _delete(self, hook: CdcDmsHook, found: Found) -> None:
        from botocore.exceptions import ClientError

        from pg_cdc.hooks.aws_errors import error_code

        self.log.info("Deleting %s %s", found.kind.value, found.name)
        try:
            delete(hook, found)
        except ClientError as error:
            code = error_code(error)
            if code == "InvalidResourceStateFault":
                raise NotYet(f"DMS does not delete {found.kind.value} {found.name} now: {error}") from error
            if code != "ResourceNotFoundFault":
                raise


class DeleteTaskOperator(DeleteDms):
    """Delete the replication task with its assessments; DMS drops its slot then, if it can reach the source."""

    def kinds(self) -> tuple[Kind, ...]:
        """Return the one kind."""
        from pg_cdc.decisions.teardown.dms import Kind

        return (Kind.TASK,)

    def things(self, hook: CdcDmsHook, migration: Migration) -> tuple[tuple[Kind, str], ...]:
        """Return the assessments first: nobody would look for them once the task is gone."""
        from pg_cdc.decisions.teardown.dms import Kind
        from pg_cdc.facts.teardown.residue_dms import assessment_names

        runs = [(Kind.ASSESSMENT_RUN, name) for name in assessment_names(hook, migration.name)]
        return (*runs, *super().things(hook, migration))

    def minutes(self, migration: Migration) -> int:
        """Return as long as a start may take."""
        return migration.timeouts.streaming_minutes

    def _delete(self, hook: CdcDmsHook, found: Found) -> None:
        from pg_cdc.decisions.teardown.dms import AT_WORK

        if found.status in AT_WORK:
            raise DmsFailed(
                found=f"{found.kind.value} {found.name} is {found.status}",
                expected="nothing of it at work",
                next="clear stop_task and what follows; if somebody starts the task again, find out who",
            )
        super()._delete(hook, found)


class DeleteEndpointsOperator(DeleteDms):
    """Delete both endpoints, and first what DMS knows of connections to them."""

    def kinds(self) -> tuple[Kind, ...]:
        """Return the one kind."""
        from pg_cdc.decisions.teardown.dms import Kind

        return (Kind.ENDPOINT,)


class DeleteReplicationInstanceOperator(DeleteDms):
    """Delete the replication instance that we made. One that the spec names was there before, and stays."""

    def kinds(self) -> tuple[Kind, ...]:
        """Return the one kind."""
        from pg_cdc.decisions.teardown.dms import Kind

        return (Kind.INSTANCE,)

    def minutes(self, migration: Migration) -> int:
        """Return as long as the making may take."""
        return migration.timeouts.instance_minutes

    def step(self, migration: Migration, context: Context) -> Outcome:
        """Delete it when it is not on its way any more."""
        from pg_cdc.decisions import names
        from pg_cdc.waits.dms import InstanceSettled

        wait = InstanceSettled(identifier=names.resource(migration.name), **self.sharing(migration))
        self.wait_minutes(wait, context, migration, self.minutes(migration))
        return super().step(migration, context)


class DeleteSubnetGroupOperator(DeleteDms):
    """Delete the replication subnet group."""

    def kinds(self) -> tuple[Kind, ...]:
        """Return the one kind."""
        from pg_cdc.decisions.teardown.dms import Kind

        return (Kind.SUBNET_GROUP,)


def delete(hook: CdcDmsHook, found: Found) -> None:
    """Make the call that deletes ``found``."""
    from pg_cdc.decisions.teardown.dms import Kind

    if found.kind is Kind.ASSESSMENT_RUN:
        hook.call("delete_replication_task_assessment_run", ReplicationTaskAssessmentRunArn=found.arn)
    elif found.kind is Kind.TASK:
        hook.call("delete_replication_task", ReplicationTaskArn=found.arn)
    elif found.kind is Kind.ENDPOINT:
        _delete_connections(hook, found.arn)
        hook.call("delete_endpoint", EndpointArn=found.arn)
    elif found.kind is Kind.INSTANCE:
        hook.call("delete_replication_instance", ReplicationInstanceArn=found.arn)
    else:
        hook.call("delete_replication_subnet_group", ReplicationSubnetGroupIdentifier=found.name)


def _delete_connections(hook: CdcDmsHook, endpoint_arn: str) -> None:
    filters: list[dict[str, Any]] = [{"Name": "endpoint-arn", "Values": [endpoint_arn]}]
    for row in hook.read_all("describe_connections", "Connections", Filters=filters):
        if row["Status"] != "deleting":
            hook.call(
                "delete_connection",
                EndpointArn=row["EndpointArn"],
                ReplicationInstanceArn=row["ReplicationInstanceArn"],
            )
