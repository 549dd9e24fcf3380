"""Make what a DMS task stands on: subnet group, replication instance, both endpoints, and connections that work."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pg_cdc.decisions import names
from pg_cdc.decisions.outcome import Outcome
from pg_cdc.failures import DmsFailed, NotYet
from pg_cdc.operators.dms.endpoints import EnsureEndpointOperator, TestConnectionOperator
from pg_cdc.operators.dms.step import DmsStep

if TYPE_CHECKING:
    from airflow.sdk import Context

    from pg_cdc.config import Migration
    from pg_cdc.decisions.dms.resources import ReplicationInstance
    from pg_cdc.hooks.dms import CdcDmsHook


__all__ = [
    "EnsureEndpointOperator",
    "EnsureReplicationInstanceOperator",
    "EnsureSubnetGroupOperator",
    "TestConnectionOperator",
]


class EnsureSubnetGroupOperator(DmsStep):
    """Make the replication subnet group; not needed when the spec names a replication instance."""

    def step(self, migration: Migration, context: Context) -> Outcome:
        """Find or make the group."""
        from pg_cdc.decisions.dms.resources import compare_subnet_group, subnet_group_request
        from pg_cdc.facts.dms import read_subnet_group
        from pg_cdc.facts.ends import read_source
        from pg_cdc.hooks.dms import CdcDmsHook

        if migration.replication.instance_identifier:
            return Outcome(facts={"subnet_group": "not asked for: the replication instance is given"})
        hook = CdcDmsHook.of(migration)
        source = read_source(migration)
        name = names.resource(migration.name)
        what = f"replication subnet group {name}"
        found = read_subnet_group(hook, name, database_arn=source.arn)
        changes = self.act(
            hook,
            migration,
            what,
            compare_subnet_group(migration, found),
            arn=found.arn if found else "",
            create=lambda: self._make(hook, subnet_group_request(migration, source)),
            modify=lambda keys: hook.call(
                "modify_replication_subnet_group",
                ReplicationSubnetGroupIdentifier=name,
                SubnetIds=list(migration.replication.subnet_ids),
            ),
        )
        if changes:
            found = read_subnet_group(hook, name, database_arn=source.arn)
            self.prove(what, compare_subnet_group(migration, found))
        return Outcome(
            changes=changes, facts={"subnet_group": name, "subnets": list(found.subnet_ids) if found else []}
        )

    def _make(self, hook: CdcDmsHook, request: dict[str, object]) -> None:
        from botocore.exceptions import ClientError

        from pg_cdc.hooks.aws_errors import error_code

        try:
            hook.call("create_replication_subnet_group", **request)
        except ClientError as error:
            code = error_code(error)
            if code == "ReplicationSubnetGroupDoesNotCoverEnoughAZs":
                raise DmsFailed(
                    found=f"subnets {', '.join(request['SubnetIds'])} cover fewer than two availability zones",  # type: ignore[arg-type]
                    expected="subnets in at least two availability zones of one VPC",
                    next="give replication.subnet_ids",
                ) from error
            if code == "AccessDeniedFault":
                raise NotYet(
                    "DMS may not manage the network yet: the IAM role dms-vpc-role is missing, or too new to be seen."
                    " Make it with the policy AmazonDMSVPCManagementRole and trust in dms.amazonaws.com"
                    " (docs/aws.md#roles); a new role takes a minute to be seen"
                ) from error
            raise


class EnsureReplicationInstanceOperator(DmsStep):
    """Make the replication instance and wait until it is available; one that the spec names is used as it is."""

    def step(self, migration: Migration, context: Context) -> Outcome:
        """Find, make or repair the instance; prove that it is available."""
        from pg_cdc.decisions.dms.resources import compare_instance
        from pg_cdc.facts.dms import instance_identifier
        from pg_cdc.hooks.dms import CdcDmsHook

        hook = CdcDmsHook.of(migration)
        identifier = instance_identifier(migration)
        if migration.replication.instance_identifier:
            found = self._settled(hook, migration, context, identifier)
            if found is None:
                raise DmsFailed(
                    found=f"no replication instance {identifier}",
                    expected="the instance that replication.instance_identifier names",
                    next="correct the name, or leave it empty to have one made",
                )
            return self._available(found, ())
        changes = self._ensure(hook, migration, context, identifier)
        found = self._settled(hook, migration, context, identifier)
        if changes:
            self.prove(f"replication instance {identifier}", compare_instance(migration, found, ()))
        if found is None:
            raise NotYet(f"replication instance {identifier} was made, and DMS does not describe it yet")
        return self._available(found, changes)

    def _ensure(self, hook: CdcDmsHook, migration: Migration, context: Context, identifier: str) -> tuple[str, ...]:
        from pg_cdc.decisions.dms.resources import (
            Modify,
            compare_instance,
            instance_request,
            modify_instance_request,
        )
        from pg_cdc.facts.dms import running_tasks
        from pg_cdc.facts.ends import read_source

        found = self._settled(hook, migration, context, identifier)
        decision = compare_instance(migration, found, ())
        if found and isinstance(decision, Modify):
            decision = compare_instance(migration, found, running_tasks(hook, "replication-instance-arn", found.arn))
        arn = found.arn if found else ""
        return self.act(
            hook,
            migration,
            f"replication instance {identifier}",
            decision,
            arn=arn,
            create=lambda: hook.call(
                "create_replication_instance", **instance_request(migration, read_source(migration))
            ),
            modify=lambda keys: hook.call(
                "modify_replication_instance", **modify_instance_request(migration, arn, keys)
            ),
        )

    def _settled(
        self, hook: CdcDmsHook, migration: Migration, context: Context, identifier: str
    ) -> ReplicationInstance | None:
        from pg_cdc.decisions.dms.resources import INSTANCE_BROKEN
        from pg_cdc.facts.dms import read_instance
        from pg_cdc.waits.dms import InstanceSettled

        found = read_instance(hook, identifier, with_tags=True)
        if found is None or found.status == "available" or found.status in INSTANCE_BROKEN:
            return found
        wait = InstanceSettled(identifier=identifier, **self.sharing(migration))
        self.wait_minutes(wait, context, migration, migration.timeouts.instance_minutes)
        return read_instance(hook, identifier, with_tags=True)

    def _available(self, found: ReplicationInstance, changes: tuple[str, ...]) -> Outcome:
        if found.status != "available":
            raise DmsFailed(
                found=f"replication instance {found.identifier} is {found.status}",
                expected="available",
                next=f"look at its events in the DMS console; clear {self.task_id} when it is available",
            )
        facts: dict[str, Any] = {"instance": found.identifier, "arn": found.arn, "class": found.instance_class}
        return Outcome(changes=changes, facts=facts)
