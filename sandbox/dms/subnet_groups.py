"""Replication subnet groups over moto's VPC, and the role that DMS needs in it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from moto.ec2.models import ec2_backends
from moto.iam.models import iam_backends

from sandbox.api.errors import AwsError
from sandbox.dms.filters import chosen, identifier, paged
from sandbox.dms.tags import checked
from sandbox.dms.world import Resource, World

ROLE = "dms-vpc-role"
FILTERS = {"replication-subnet-group-id": lambda group: group.key}


class SubnetGroups:
    """Create, describe, modify, delete."""

    def __init__(self, world: World) -> None:
        self._world = world

    def create_replication_subnet_group(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Make a group over subnets of at least two availability zones."""
        name = identifier(parameters["ReplicationSubnetGroupIdentifier"], "ReplicationSubnetGroupIdentifier")
        if name == "default":
            raise AwsError("InvalidParameterValueException", "The subnet group name 'default' is reserved")
        if name in self._world.subnet_groups:
            raise AwsError("ResourceAlreadyExistsFault", f"ReplicationSubnetGroup {name} already exists.")
        self._check_role()
        shape = {
            "ReplicationSubnetGroupIdentifier": name,
            "ReplicationSubnetGroupDescription": parameters["ReplicationSubnetGroupDescription"],
            "SubnetGroupStatus": "Complete",
            **self._network(parameters["SubnetIds"]),
        }
        group = Resource(name, self._world.arn("subgrp", name), shape, "SubnetGroupStatus")
        group.tags = checked(parameters.get("Tags"))
        self._world.subnet_groups[name] = group
        return {"ReplicationSubnetGroup": shape}

    def describe_replication_subnet_groups(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Describe groups."""
        found = chosen(self._world.subnet_groups.values(), parameters, FILTERS, "Replication Subnet Groups")
        return paged([group.shape for group in found], parameters, "ReplicationSubnetGroups")

    def modify_replication_subnet_group(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Replace the subnets, and the description where given."""
        group = self._group(parameters["ReplicationSubnetGroupIdentifier"])
        group.shape.update(self._network(parameters["SubnetIds"]))
        if parameters.get("ReplicationSubnetGroupDescription"):
            group.shape["ReplicationSubnetGroupDescription"] = parameters["ReplicationSubnetGroupDescription"]
        return {"ReplicationSubnetGroup": group.shape}

    def delete_replication_subnet_group(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Delete a group no instance is in."""
        group = self._group(parameters["ReplicationSubnetGroupIdentifier"])
        users = [i.key for i in self._world.instances.values() if i.private.get("subnet_group") == group.key]
        if users:
            raise AwsError(
                "InvalidResourceStateFault",
                f"The Subnet Group {group.key} is in use by one or more Replication Instances: {', '.join(users)}",
            )
        del self._world.subnet_groups[group.key]
        return {}

    def _group(self, name: str) -> Resource:
        group = self._world.subnet_groups.get(name.lower())
        if group is None:
            raise AwsError("ResourceNotFoundFault", f"Replication Subnet Group {name} not found.")
        return group

    def _check_role(self) -> None:
        roles = iam_backends[self._world.account]["aws"].roles.values()
        if ROLE not in {role.name for role in roles}:
            raise AwsError(
                "AccessDeniedFault",
                f"The IAM Role arn:aws:iam::{self._world.account}:role/{ROLE} is not configured properly.",
            )

    def _network(self, ids: Iterable[str]) -> dict[str, Any]:
        subnets = {s.id: s for s in ec2_backends[self._world.account][self._world.region].describe_subnets()}
        unknown = [name for name in ids if name not in subnets]
        if unknown:
            raise AwsError("InvalidSubnet", f"Subnet(s) {', '.join(unknown)} not found.")
        picked = [subnets[name] for name in ids]
        if len({s.vpc_id for s in picked}) > 1:
            raise AwsError("InvalidSubnet", "The subnets belong to more than one VPC.")
        if len({s.availability_zone for s in picked}) < 2:
            raise AwsError(
                "ReplicationSubnetGroupDoesNotCoverEnoughAZs",
                "The replication subnet group does not cover enough Availability Zones (AZs). Edit the replication "
                "subnet group and add more AZs.",
            )
        return {"VpcId": picked[0].vpc_id, "Subnets": [_subnet(s) for s in picked]}


def _subnet(subnet: Any) -> dict[str, Any]:
    return {
        "SubnetIdentifier": subnet.id,
        "SubnetAvailabilityZone": {"Name": subnet.availability_zone},
        "SubnetStatus": "Active",
    }
