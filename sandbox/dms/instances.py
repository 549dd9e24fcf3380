"""Replication instances: they have states and a subnet group; the work is done by the tasks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sandbox.api.errors import AwsError
from sandbox.dms import durations
from sandbox.dms.catalogue import CLASSES, DEFAULT_VERSION, VERSIONS
from sandbox.dms.engine.clock import now
from sandbox.dms.filters import chosen, identifier, paged
from sandbox.dms.tags import checked
from sandbox.dms.world import Resource, World

FILTERS = {
    "replication-instance-arn": lambda i: i.arn,
    "replication-instance-id": lambda i: i.key,
    "replication-instance-class": lambda i: i.shape["ReplicationInstanceClass"],
    "engine-version": lambda i: i.shape["EngineVersion"],
}
CHANGEABLE = (
    "AllocatedStorage",
    "ReplicationInstanceClass",
    "MultiAZ",
    "EngineVersion",
    "AutoMinorVersionUpgrade",
    "PreferredMaintenanceWindow",
)


class Instances:
    """Create, describe, modify, reboot, delete. ``interrupt``: makes a running task begin its stream again."""

    def __init__(self, world: World, interrupt: Callable[[Resource], None]) -> None:
        self._world = world
        self._interrupt = interrupt

    def create_replication_instance(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Make an instance; it is ``creating`` for about ten minutes of AWS time."""
        name = identifier(parameters["ReplicationInstanceIdentifier"], "ReplicationInstanceIdentifier", longest=63)
        if name in self._world.instances:
            raise AwsError("ResourceAlreadyExistsFault", f"ReplicationInstance {name} already exists.")
        _check(parameters)
        group = self._subnet_group(parameters)
        arn = self._world.arn("rep", parameters.get("ResourceIdentifier"))
        instance = Resource(name, arn, _shape(name, arn, parameters, group), "ReplicationInstanceStatus")
        instance.private["subnet_group"] = group.key if group else None
        instance.tags = checked(parameters.get("Tags"))
        self._world.move(instance, "creating", "available", durations.INSTANCE_CREATING)
        self._world.instances[name] = instance
        return {"ReplicationInstance": instance.shape}

    def describe_replication_instances(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Describe instances."""
        found = chosen(self._world.instances.values(), parameters, FILTERS, "Replication Instances")
        return paged([instance.shape for instance in found], parameters, "ReplicationInstances")

    def modify_replication_instance(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Change an available instance; without ApplyImmediately the change stays pending."""
        instance = self._available(parameters["ReplicationInstanceArn"], "modified")
        _check(parameters)
        changes = {k: parameters[k] for k in CHANGEABLE if parameters.get(k) not in (None, instance.shape.get(k))}
        if changes and parameters.get("ApplyImmediately"):
            instance.shape.update(changes)
            self._world.move(instance, "modifying", "available", durations.INSTANCE_MODIFYING)
        elif changes:
            instance.shape["PendingModifiedValues"] = changes
        return {"ReplicationInstance": instance.shape}

    def reboot_replication_instance(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Reboot an available instance; its tasks go on where they were."""
        instance = self._available(parameters["ReplicationInstanceArn"], "rebooted")
        for task in self._world.tasks.values():
            if task.shape["ReplicationInstanceArn"] == instance.arn and task.status == "running":
                self._interrupt(task)
        self._world.move(instance, "rebooting", "available", durations.INSTANCE_REBOOTING)
        return {"ReplicationInstance": instance.shape}

    def delete_replication_instance(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Delete an instance no task and no endpoint test is using."""
        instance = self._world.find("instances", parameters["ReplicationInstanceArn"], "Replication Instance")
        tasks = [t.key for t in self._world.tasks.values() if t.shape["ReplicationInstanceArn"] == instance.arn]
        if tasks:
            raise AwsError(
                "InvalidResourceStateFault",
                f"Replication Instance {instance.arn} cannot be deleted, it is in use by tasks: {', '.join(tasks)}",
            )
        if instance.status == "deleting":
            raise AwsError("InvalidResourceStateFault", f"Replication Instance {instance.arn} is already deleting.")
        self._world.move(instance, "deleting", "gone", durations.INSTANCE_DELETING)
        for key in [k for k, c in self._world.connections.items() if c.shape["ReplicationInstanceArn"] == instance.arn]:
            del self._world.connections[key]
        return {"ReplicationInstance": instance.shape}

    def _available(self, arn: str, done: str) -> Resource:
        instance = self._world.find("instances", arn, "Replication Instance")
        if instance.status != "available":
            raise AwsError(
                "InvalidResourceStateFault",
                f"Replication Instance {arn} cannot be {done}, it is in state {instance.status}.",
            )
        return instance

    def _subnet_group(self, parameters: Mapping[str, Any]) -> Resource | None:
        name = parameters.get("ReplicationSubnetGroupIdentifier")
        if name is None:
            return None
        if name.lower() not in self._world.subnet_groups:
            raise AwsError("ResourceNotFoundFault", f"Replication Subnet Group {name} not found.")
        return self._world.subnet_groups[name.lower()]


def _check(parameters: Mapping[str, Any]) -> None:
    wanted = parameters.get("ReplicationInstanceClass")
    if wanted and wanted not in CLASSES:
        raise AwsError("InvalidParameterValueException", f"Invalid replication instance class: {wanted}")
    version = parameters.get("EngineVersion")
    if version and version not in VERSIONS:
        raise AwsError("InvalidParameterValueException", f"No replication engine found with version: {version}")
    if parameters.get("MultiAZ") and parameters.get("AvailabilityZone"):
        raise AwsError(
            "InvalidParameterCombinationException",
            "AvailabilityZone cannot be specified for a Multi-AZ replication instance",
        )
    storage = parameters.get("AllocatedStorage")
    if storage is not None and not 5 <= storage <= 6144:
        raise AwsError("InvalidParameterValueException", f"Allocated storage {storage} is not between 5 and 6144 GB")


def _shape(name: str, arn: str, parameters: Mapping[str, Any], group: Resource | None) -> dict[str, Any]:
    zones = group.shape["Subnets"] if group else []
    zone = zones[0]["SubnetAvailabilityZone"]["Name"] if zones else parameters.get("AvailabilityZone")
    return {
        "ReplicationInstanceIdentifier": name,
        "ReplicationInstanceClass": parameters["ReplicationInstanceClass"],
        "ReplicationInstanceStatus": "creating",
        "AllocatedStorage": parameters.get("AllocatedStorage") or 50,
        "InstanceCreateTime": now(),
        "VpcSecurityGroups": [
            {"VpcSecurityGroupId": sg, "Status": "active"} for sg in parameters.get("VpcSecurityGroupIds") or []
        ],
        "AvailabilityZone": zone,
        "ReplicationSubnetGroup": dict(group.shape) if group else None,
        "PreferredMaintenanceWindow": parameters.get("PreferredMaintenanceWindow") or "sun:06:00-sun:14:00",
        "PendingModifiedValues": {},
        "MultiAZ": bool(parameters.get("MultiAZ")),
        "EngineVersion": parameters.get("EngineVersion") or DEFAULT_VERSION,
        "AutoMinorVersionUpgrade": parameters.get("AutoMinorVersionUpgrade", True),
        "ReplicationInstanceArn": arn,
        "PubliclyAccessible": parameters.get("PubliclyAccessible", True),
        "NetworkType": "IPV4",
    }
