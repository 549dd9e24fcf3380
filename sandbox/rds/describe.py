"""What describe calls tell, page by page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

from sandbox.api.errors import AwsError
from sandbox.rds.catalogue import Parameter
from sandbox.rds.engines import AURORA, ENGINES, family_of
from sandbox.rds.estate import Cluster, Group, Instance, allocated
from sandbox.rds.groups import PENDING, GroupActions
from sandbox.rds.pages import keep, page

SOURCES = ("user", "system", "engine-default")


class Describe(GroupActions):
    """The Describe actions."""

    def describe_db_instances(self, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        """List instances."""
        with self.lock:
            found = list(self.instances.values())
            if wanted := parameters.get("DBInstanceIdentifier"):
                found = [self.find_instance(wanted)]
            found = keep(found, parameters, {
                "db-instance-id": lambda one: (one.identifier, one.arn),
                "db-cluster-id": lambda one: (one.cluster, one.cluster and self.arn("cluster", one.cluster)),
                "dbi-resource-id": lambda one: (one.resource_id,),
                "engine": lambda one: (one.engine,),
            })  # fmt: skip
            return page("DBInstances", [self.describe_instance(one) for one in found], parameters)

    def describe_db_clusters(self, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        """List clusters."""
        with self.lock:
            found = list(self.clusters.values())
            if wanted := parameters.get("DBClusterIdentifier"):
                found = [self.find_cluster(wanted)]
            found = keep(found, parameters, {
                "db-cluster-id": lambda one: (one.identifier, one.arn),
                "db-cluster-resource-id": lambda one: (one.resource_id,),
                "engine": lambda one: (one.engine,),
            })  # fmt: skip
            return page("DBClusters", [self.describe_cluster(one) for one in found], parameters)

    def describe_db_parameter_groups(self, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        """List DB parameter groups."""
        return page("DBParameterGroups", self._groups(parameters, cluster=False), parameters)

    def describe_db_cluster_parameter_groups(self, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        """List DB cluster parameter groups."""
        return page("DBClusterParameterGroups", self._groups(parameters, cluster=True), parameters)

    def describe_db_parameters(self, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        """List the parameters of a DB parameter group."""
        return page("Parameters", self._rows(parameters, cluster=False), parameters)

    def describe_db_cluster_parameters(self, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        """List the parameters of a DB cluster parameter group."""
        return page("Parameters", self._rows(parameters, cluster=True), parameters)

    def describe_db_engine_versions(self, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        """List the versions of each engine that this machine has, the default first."""
        found = [
            {
                "Engine": engine,
                "MajorEngineVersion": version.split(".")[0],
                "EngineVersion": version,
                "DBParameterGroupFamily": family_of(engine, version),
                "DBEngineDescription": "Aurora PostgreSQL" if engine == AURORA else "PostgreSQL",
                "DBEngineVersionDescription": f"{engine} {version}",
                "ValidUpgradeTarget": [],
                "SupportsReadReplica": engine != AURORA,
                "SupportedEngineModes": ["provisioned"],
                "Status": "available",
            }
            for engine, version in product(ENGINES, self.site.versions)
        ]
        exact = {"Engine": "Engine", "DBParameterGroupFamily": "DBParameterGroupFamily"}
        for name, field in exact.items():
            found = [one for one in found if parameters.get(name) in (None, one[field])]
        if wanted := parameters.get("EngineVersion"):
            found = [one for one in found if wanted in (one["EngineVersion"], one["MajorEngineVersion"])]
        return page("DBEngineVersions", found, parameters)

    def describe_db_subnet_groups(self, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        """List the default subnet group: that of the default VPC."""
        if parameters.get("DBSubnetGroupName", "default") != "default":
            name = parameters["DBSubnetGroupName"]
            raise AwsError("DBSubnetGroupNotFoundFault", f"DBSubnetGroup {name} not found.", status=404)
        return page("DBSubnetGroups", [self._subnet_group()], parameters)

    def describe_instance(self, one: Instance) -> dict[str, Any]:
        """Return an instance as AWS shows it."""
        network = self.network()
        shown = {
            "AllocatedStorage": allocated(one),
            "AutoMinorVersionUpgrade": True,
            "AvailabilityZone": network.subnets[0][1],
            "BackupRetentionPeriod": 1,
            "DeletionProtection": False,
            "MultiAZ": False,
            "PubliclyAccessible": False,
            "StorageType": "aurora" if one.engine == AURORA else "gp2",
            "PromotionTier": 1 if one.engine == AURORA else None,
            **{key: value for key, value in one.options.items() if key not in NOT_SHOWN},
            "DBInstanceIdentifier": one.identifier,
            "DBInstanceClass": one.klass,
            "Engine": one.engine,
            "EngineVersion": one.version,
            "DBInstanceStatus": one.status.shown,
            "MasterUsername": one.master,
            "DBName": one.database,
            "InstanceCreateTime": one.created,
            "DBInstanceArn": one.arn,
            "DbiResourceId": one.resource_id,
            "DbInstancePort": 0,
            "DBClusterIdentifier": one.cluster,
            "DBParameterGroups": [{"DBParameterGroupName": one.group, "ParameterApplyStatus": one.apply_status}],
            "DBSubnetGroup": self._subnet_group(),
            "VpcSecurityGroups": self._security_groups(one.options),
            "PendingModifiedValues": {},
            "ReadReplicaSourceDBInstanceIdentifier": one.replica_of,
            "ReadReplicaDBInstanceIdentifiers": [replica.identifier for replica in self.replicas(one.identifier)],
            "CACertificateIdentifier": "rds-ca-rsa2048-g1",
            "TagList": self.tag_list(one.arn),
        }
        if one.usable:
            shown["Endpoint"] = {"Address": self.site.host, "Port": one.server.port, "HostedZoneId": "ZSANDBOX"}
        return {key: value for key, value in shown.items() if value is not None}

    def describe_cluster(self, one: Cluster) -> dict[str, Any]:
        """Return a cluster as AWS shows it."""
        shown = {
            "AllocatedStorage": 1,
            "AvailabilityZones": sorted({zone for _, zone in self.network().subnets}),
            "BackupRetentionPeriod": 1,
            "DeletionProtection": False,
            "StorageEncrypted": False,
            **{key: value for key, value in one.options.items() if key not in NOT_SHOWN},
            "DBClusterIdentifier": one.identifier,
            "DBClusterArn": one.arn,
            "DbClusterResourceId": one.resource_id,
            "DBClusterParameterGroup": one.group,
            "DBSubnetGroup": "default",
            "DatabaseName": one.database,
            "Status": one.status.shown,
            "Endpoint": self.site.host,
            "ReaderEndpoint": self.site.host,
            "Port": one.port,
            "Engine": one.engine,
            "EngineVersion": one.version,
            "EngineMode": "provisioned",
            "MasterUsername": one.master,
            "MultiAZ": len(self.members(one.identifier)) > 1,
            "ClusterCreateTime": one.created,
            "DBClusterMembers": [
                {
                    "DBInstanceIdentifier": member.identifier,
                    "IsClusterWriter": member.writer,
                    "DBClusterParameterGroupStatus": member.cluster_apply_status,
                    "PromotionTier": member.options.get("PromotionTier", 1),
                }
                for member in self.members(one.identifier)
            ],
            "VpcSecurityGroups": self._security_groups(one.options),
            "TagList": self.tag_list(one.arn),
        }
        return {key: value for key, value in shown.items() if value is not None}

    def _groups(self, parameters: Mapping[str, Any], *, cluster: bool) -> list[dict[str, Any]]:
        key = "DBClusterParameterGroupName" if cluster else "DBParameterGroupName"
        with self.lock:
            found = [group for (kind, _), group in sorted(self.groups.items()) if kind is cluster]
            if name := parameters.get(key):
                found = [self.find_group(name, cluster=cluster)]
            return [self.describe_group(group) for group in found]

    def _rows(self, parameters: Mapping[str, Any], *, cluster: bool) -> list[dict[str, Any]]:
        key = "DBClusterParameterGroupName" if cluster else "DBParameterGroupName"
        wanted = parameters.get("Source")
        if wanted and wanted not in SOURCES:
            raise AwsError("InvalidParameterValue", f"Invalid source: {wanted}; it is one of {', '.join(SOURCES)}")
        with self.lock:
            group = self.find_group(parameters[key], cluster=cluster)
            rows = [_row(group, parameter) for parameter in self.parameters_of(group).values()]
        rows = keep(rows, parameters, {"parameter-name": lambda row: (row["ParameterName"],)})
        return [row for row in rows if wanted in (None, "", row["Source"])]

    def _subnet_group(self) -> dict[str, Any]:
        network = self.network()
        return {
            "DBSubnetGroupName": "default",
            "DBSubnetGroupDescription": "default",
            "VpcId": network.vpc,
            "SubnetGroupStatus": "Complete",
            "Subnets": [
                {
                    "SubnetIdentifier": subnet,
                    "SubnetAvailabilityZone": {"Name": zone},
                    "SubnetOutpost": {},
                    "SubnetStatus": "Active",
                }
                for subnet, zone in network.subnets
            ],
            "DBSubnetGroupArn": self.arn("subgrp", "default"),
        }

    def _security_groups(self, options: Mapping[str, Any]) -> Sequence[Mapping[str, str]]:
        chosen = options.get("VpcSecurityGroupIds") or [self.network().security_group]
        return [{"VpcSecurityGroupId": one, "Status": "active"} for one in chosen]


NOT_SHOWN = ("VpcSecurityGroupIds", "DBSubnetGroupName", "EnableIAMDatabaseAuthentication", "EnablePerformanceInsights")


def _row(group: Group, parameter: Parameter) -> dict[str, Any]:
    source = "user" if parameter.name in group.values else "engine-default" if parameter.default is None else "system"
    row = {
        "ParameterName": parameter.name,
        "ParameterValue": group.values.get(parameter.name, parameter.default),
        "Description": f"The PostgreSQL parameter {parameter.name}.",
        "Source": source,
        "ApplyType": parameter.apply_type,
        "DataType": parameter.data_type,
        "AllowedValues": parameter.allowed or None,
        "IsModifiable": parameter.modifiable,
        "ApplyMethod": group.methods.get(parameter.name, PENDING),
        "SupportedEngineModes": ["provisioned"] if group.cluster else None,
    }
    return {key: value for key, value in row.items() if value is not None}
