"""What DMS offers: instance classes, engine versions, account quotas."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from sandbox.dms.filters import paged
from sandbox.dms.world import World

VERSIONS = ("3.5.3", "3.5.4", "3.6.0", "3.6.1")
DEFAULT_VERSION = "3.6.1"
FAMILIES = {
    "t3": ("micro", "small", "medium", "large"),
    "c5": ("large", "xlarge", "2xlarge", "4xlarge", "9xlarge", "12xlarge", "18xlarge", "24xlarge"),
    "c6i": ("large", "xlarge", "2xlarge", "4xlarge", "8xlarge", "12xlarge", "16xlarge", "24xlarge"),
    "r5": ("large", "xlarge", "2xlarge", "4xlarge", "8xlarge", "12xlarge", "16xlarge", "24xlarge"),
    "r6i": ("large", "xlarge", "2xlarge", "4xlarge", "8xlarge", "12xlarge", "16xlarge", "24xlarge"),
}
CLASSES = tuple(f"dms.{family}.{size}" for family, sizes in FAMILIES.items() for size in sizes)
QUOTAS = {
    "ReplicationInstances": 60,
    "AllocatedStorage": 30000,
    "ReplicationSubnetGroups": 60,
    "Endpoints": 1000,
    "ReplicationTasks": 600,
}


class Catalogue:
    """DescribeOrderableReplicationInstances, DescribeEngineVersions, DescribeAccountAttributes."""

    def __init__(self, world: World) -> None:
        self._world = world

    def describe_orderable_replication_instances(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """List every class in every version."""
        zones = [f"{self._world.region}{letter}" for letter in "abc"]
        rows = [
            {
                "EngineVersion": version,
                "ReplicationInstanceClass": name,
                "StorageType": "gp2",
                "MinAllocatedStorage": 5,
                "MaxAllocatedStorage": 6144,
                "DefaultAllocatedStorage": 50,
                "IncludedAllocatedStorage": 50,
                "AvailabilityZones": zones,
                "ReleaseStatus": "prod",
            }
            for version in VERSIONS
            for name in CLASSES
        ]
        return paged(rows, parameters, "OrderableReplicationInstances")

    def describe_engine_versions(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """List the engine versions."""
        rows = [
            {
                "Version": version,
                "Lifecycle": "DEFAULT" if version == DEFAULT_VERSION else "AVAILABLE",
                "ReleaseStatus": "prod",
                "LaunchDate": dt.datetime(2024, 1, 1, tzinfo=dt.UTC),
                "AvailableUpgrades": list(VERSIONS[number + 1 :]),
            }
            for number, version in enumerate(VERSIONS)
        ]
        return paged(rows, parameters, "EngineVersions")

    def describe_account_attributes(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Tell the quotas and what is used of them."""
        world = self._world
        used = {
            "ReplicationInstances": len(world.instances),
            "AllocatedStorage": sum(i.shape["AllocatedStorage"] for i in world.instances.values()),
            "ReplicationSubnetGroups": len(world.subnet_groups),
            "Endpoints": len(world.endpoints),
            "ReplicationTasks": len(world.tasks),
        }
        return {
            "AccountQuotas": [{"AccountQuotaName": k, "Used": used[k], "Max": most} for k, most in QUOTAS.items()],
            "UniqueAccountIdentifier": f"{world.region}-{world.account}",
        }
