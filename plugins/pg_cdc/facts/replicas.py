"""Read the read replicas of an RDS instance: their groups' sizes, and whether they wait for a reboot."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pg_cdc.decisions.replicas.meaning import SIZES
from pg_cdc.decisions.world import Replica

if TYPE_CHECKING:
    from pg_cdc.decisions.world import Database
    from pg_cdc.hooks.rds import CdcRdsHook


def read_replicas(hook: CdcRdsHook, database: Database) -> tuple[Replica, ...]:
    """Return the replicas of ``database``; one of another region is an ARN, and is not looked at from here."""
    return tuple(_replica(hook, identifier) for identifier in database.replicas)


def _replica(hook: CdcRdsHook, identifier: str) -> Replica:
    if identifier.startswith("arn:"):
        region = identifier.split(":")[3]
        return Replica(identifier=identifier.rpartition(":")[2], unread=f"a read replica in {region}")
    row = hook.find_instance(identifier)
    if row is None:
        return Replica(identifier=identifier, unread="a read replica that is named, and not to be found")
    (group,) = row["DBParameterGroups"][:1]
    name = group["DBParameterGroupName"]
    rows = {one["ParameterName"]: one for one in hook.list_parameters(name, cluster=False)}
    return Replica(
        identifier=identifier,
        status=row["DBInstanceStatus"],
        instance_class=row["DBInstanceClass"],
        parameter_group=name,
        apply_status=group.get("ParameterApplyStatus", "in-sync"),
        sizes={size: rows[size].get("ParameterValue") for size in SIZES if size in rows},
    )
