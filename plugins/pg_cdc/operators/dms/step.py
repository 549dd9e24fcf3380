"""What the DMS steps share: acting on a decision, and waiting by shared reads."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from pg_cdc.decisions import names
from pg_cdc.failures import DmsFailed, NotProved, NotYet
from pg_cdc.links.console import DmsTaskLink, DmsTaskLogsLink
from pg_cdc.operators.base import CdcOperator

if TYPE_CHECKING:
    from airflow.sdk import Context

    from pg_cdc.config import Migration
    from pg_cdc.decisions.dms.endpoints import Endpoint
    from pg_cdc.decisions.dms.resources import Decision, ReplicationInstance
    from pg_cdc.decisions.dms.task import Task
    from pg_cdc.hooks.dms import CdcDmsHook
    from pg_cdc.waits import Wait


MOVING = frozenset({"creating", "modifying", "testing", "moving", "stopping"})
"""Task statuses that end by themselves, before or after a run."""


class DmsStep(CdcOperator):
    """A step on a DMS resource."""

    def act(
        self,
        hook: CdcDmsHook,
        migration: Migration,
        what: str,
        decision: Decision,
        *,
        arn: str,
        create: Callable[[], object],
        modify: Callable[[frozenset[str]], object],
    ) -> tuple[str, ...]:
        """Do what was decided for ``what`` and return the changes; raise a refusal."""
        from pg_cdc.decisions.dms.resources import Create, Modify, Refuse
        from pg_cdc.decisions.dms.tags import tag_list

        if isinstance(decision, Refuse):
            raise decision.failure
        if isinstance(decision, Create):
            self.log.info("Creating %s", what)
            return self._create(what, create)
        changes: list[str] = []
        if decision.adopt:
            hook.call("add_tags_to_resource", ResourceArn=arn, Tags=tag_list(migration))
            changes.append(f"tagged {what} as ours")
        if decision.expiry:
            changes.append(f"{what} {self._tag_expiry(hook, migration, arn)}")
        if isinstance(decision, Modify):
            told = "; ".join(str(difference) for difference in decision.differences)
            self.log.info("Modifying %s: %s", what, told)
            modify(decision.keys)
            changes.append(f"modified {what}: {told}")
        return tuple(changes)

    def _create(self, what: str, create: Callable[[], object]) -> tuple[str, ...]:
        from botocore.exceptions import ClientError

        from pg_cdc.hooks.aws_errors import error_code

        try:
            create()
        except ClientError as error:
            # The answer to an earlier try may have been lost; whose it is, the proof finds out.
            if error_code(error) != "ResourceAlreadyExistsFault":
                raise
        return (f"created {what}",)

    def _tag_expiry(self, hook: CdcDmsHook, migration: Migration, arn: str) -> str:
        if expires_at := migration.safety.expires_at:
            tag = {"Key": names.EXPIRES, "Value": expires_at}
            hook.call("add_tags_to_resource", ResourceArn=arn, Tags=[tag])
            return f"expires at {expires_at}"
        hook.call("remove_tags_from_resource", ResourceArn=arn, TagKeys=[names.EXPIRES])
        return "expires no more"

    def prove(self, what: str, decision: Decision) -> None:
        """Refuse to believe a change that a second look does not show."""
        from pg_cdc.decisions.dms.resources import Create, Modify, Refuse

        if isinstance(decision, Refuse):
            raise decision.failure
        if isinstance(decision, Create):
            raise NotYet(f"{what} was made, and DMS does not describe it yet")
        if isinstance(decision, Modify):
            raise NotProved(
                found="; ".join(str(difference) for difference in decision.differences),
                expected=f"{what} as the spec wants it, after the call that changed it",
                next=f"look at {what} in the DMS console; clear {self.task_id}",
            )

    def sharing(self, migration: Migration) -> dict[str, Any]:
        """Return the fields that every DMS wait has."""
        return {
            "aws_conn_id": migration.aws.conn_id,
            "region": migration.aws.region,
            "since": time.time(),
            "poll_seconds": float(migration.timeouts.poll_seconds),
        }

    def wait_minutes(self, wait: Wait, context: Context, migration: Migration, minutes: int) -> None:
        """Wait at the poll interval of the spec."""
        timeout = timedelta(minutes=minutes)
        self.wait_for(wait, context, timeout=timeout, poll_seconds=migration.timeouts.poll_seconds)


class TaskStep(DmsStep):
    """A step on the replication task."""

    operator_extra_links = (DmsTaskLink(), DmsTaskLogsLink())

    def wait_while_moving(self, migration: Migration, context: Context, task: Task) -> None:
        """Wait for the end of a state that ends by itself."""
        from pg_cdc.waits.dms import TaskSettled

        wait = TaskSettled(identifier=task.identifier, **self.sharing(migration))
        self.wait_minutes(wait, context, migration, migration.timeouts.streaming_minutes)


def existing_instance(hook: CdcDmsHook, migration: Migration) -> ReplicationInstance:
    """Return the replication instance that an earlier step made."""
    from pg_cdc.facts.dms import instance_identifier, read_instance

    identifier = instance_identifier(migration)
    found = read_instance(hook, identifier)
    if found is None:
        raise _missing(f"replication instance {identifier}", "ensure_replication_instance")
    return found


def existing_endpoint(hook: CdcDmsHook, migration: Migration, end: str) -> Endpoint:
    """Return the endpoint that an earlier step made."""
    from pg_cdc.facts.dms import read_endpoint

    identifier = names.endpoint(migration.name, end)
    found = read_endpoint(hook, identifier)
    if found is None:
        raise _missing(f"endpoint {identifier}", f"ensure_{end}_endpoint")
    return found


def existing_task(hook: CdcDmsHook, migration: Migration) -> Task:
    """Return the replication task that an earlier step made."""
    from pg_cdc.facts.dms import read_task

    identifier = names.resource(migration.name)
    found = read_task(hook, identifier)
    if found is None:
        raise _missing(f"replication task {identifier}", "ensure_task")
    return found


def _missing(what: str, step: str) -> DmsFailed:
    return DmsFailed(found=f"no {what}", expected=f"{what}, made by {step}", next=f"clear {step}")


def persist_links(context: Context, migration: Migration, task: Task) -> None:
    """Lead from this step to the task and its log in the AWS console."""
    from pg_cdc.facts.dms import instance_identifier

    region = task.arn.split(":")[3]
    DmsTaskLink.persist(context, region=region, identifier=task.identifier)
    DmsTaskLogsLink.persist(context, region=region, instance=instance_identifier(migration), task_arn=task.arn)
