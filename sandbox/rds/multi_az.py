"""Multi-AZ DB clusters: RDS for PostgreSQL as one writer and two readable standbys, made and rebooted together.

Source: https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/multi-az-db-clusters-concepts.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.api.errors import AwsError, NotInSandbox
from sandbox.postgres.ports import free_port
from sandbox.postgres.server import Server
from sandbox.rds.clusters import OPTIONS
from sandbox.rds.engines import AURORA, RDS, default_group, instance_class, major_of
from sandbox.rds.estate import Cluster, Instance, only
from sandbox.rds.instances import InstanceActions

SIZES = ("DBClusterInstanceClass", "AllocatedStorage", "Iops")
SHARED = ("AllocatedStorage", "Iops", "StorageType")
MEMBERS = 3
STORAGE = ("gp3", "io1", "io2")


class MultiAzClusters(InstanceActions):
    """The actions on DB clusters and their members, where the engine is RDS's."""

    def create_db_cluster(self, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        """Make a cluster; one of RDS comes with its three instances."""
        if parameters.get("Engine") != RDS:
            return super().create_db_cluster(parameters)
        only(parameters, "CreateDBCluster", OPTIONS, SIZES, (
            "DBClusterIdentifier", "Engine", "EngineVersion", "DatabaseName", "MasterUsername", "MasterUserPassword",
            "DBClusterParameterGroupName", "Port", "Tags",
        ))  # fmt: skip
        _check_sizes(parameters)
        with self.lock:
            cluster = self._new_cluster(parameters, RDS, (*OPTIONS, *SIZES))
            self._begin_members(cluster)
            return {"DBCluster": self.describe_cluster(cluster)}

    def reboot_db_cluster(self, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        """Restart the writer and the standbys with their group's values, without failover."""
        with self.lock:
            cluster = self.find_cluster(parameters["DBClusterIdentifier"])
            if cluster.engine == AURORA:
                return super().reboot_db_cluster(parameters)
            members = self.members(cluster.identifier)
            everyone: list[Cluster | Instance] = [cluster, *members]
            if any(one.status.value != "available" for one in everyone):
                raise AwsError(
                    "InvalidDBClusterStateFault", f"DB cluster {cluster.identifier} is not in available state."
                )
            for one in everyone:
                one.status.set("rebooting")
            self.jobs.run("reboot", lambda: self._reboot_all(members), then=lambda: _all_available(everyone))
            return {"DBCluster": self.describe_cluster(cluster)}

    def failover_db_cluster(self, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        """Fail an Aurora cluster over; with storage of its own, each standby would have to become a primary."""
        if self.find_cluster(parameters["DBClusterIdentifier"]).engine != AURORA:
            raise NotInSandbox("rds", "FailoverDBCluster of a Multi-AZ DB cluster")
        return super().failover_db_cluster(parameters)

    def delete_db_cluster(self, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        """Delete a cluster; one of RDS goes with its instances."""
        with self.lock:
            cluster = self.find_cluster(parameters["DBClusterIdentifier"])
            members = self.members(cluster.identifier)
            if cluster.engine == AURORA:
                return super().delete_db_cluster(parameters)
            before = [one.status.value for one in members]
            for one in members:
                one.status.set("deleting")
            try:
                answer = super().delete_db_cluster(parameters)
            except AwsError:
                for one, status in zip(members, before, strict=True):
                    one.status.set(status)
                raise
            self.jobs.run("delete", lambda: self._wipe_all(members))
            return answer

    def modify_db_instance(self, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        """Change an instance that is none of a Multi-AZ DB cluster's."""
        self._refuse_member(parameters, "modified")
        return super().modify_db_instance(parameters)

    def delete_db_instance(self, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        """Delete an instance that is none of a Multi-AZ DB cluster's."""
        self._refuse_member(parameters, "deleted")
        return super().delete_db_instance(parameters)

    def reboot_db_instance(self, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        """Reboot an instance; of a Multi-AZ DB cluster, only a reader by itself."""
        with self.lock:
            if self.find_instance(parameters["DBInstanceIdentifier"]).writer:
                self._refuse_member(parameters, "rebooted", code=self.assumptions.reboot_multi_az_writer)
        return super().reboot_db_instance(parameters)

    def _refuse_member(
        self, parameters: Mapping[str, Any], done: str, *, code: str = "InvalidParameterCombination"
    ) -> None:
        with self.lock:
            instance = self.find_instance(parameters["DBInstanceIdentifier"])
            if instance.cluster and instance.engine == RDS:
                text = f"{instance.identifier} is a member of Multi-AZ DB cluster {instance.cluster}"
                raise AwsError(code, f"{text} and cannot be {done} by itself.")

    def _begin_members(self, cluster: Cluster) -> None:
        writer: Instance | None = None
        for number in range(1, MEMBERS + 1):
            member = self._member(cluster, f"{cluster.identifier}-instance-{number}")
            member.writer = writer is None
            self._begin(member, writer, {})
            writer = writer or member
        self.jobs.run(
            "create-cluster", lambda: self._wait_for_all(cluster), then=lambda: cluster.status.set("available")
        )

    def _member(self, cluster: Cluster, identifier: str) -> Instance:
        if identifier in self.instances:
            raise AwsError("DBInstanceAlreadyExists", "DB instance already exists")
        taken = {one.server.port for one in self.instances.values()}
        port = cluster.port if cluster.port not in taken else free_port(taken)
        return Instance(
            identifier=identifier,
            engine=RDS,
            version=cluster.version,
            klass=cluster.options["DBClusterInstanceClass"],
            arn=self.arn("db", identifier),
            status=self.status("creating"),
            server=Server(self.site, identifier, port, self.site.installation(major_of(cluster.version))),
            group=default_group(RDS, cluster.version),
            master=cluster.master,
            password=cluster.password,
            database=cluster.database,
            cluster=cluster.identifier,
            options={key: cluster.options[key] for key in SHARED if key in cluster.options},
        )

    def _wait_for_all(self, cluster: Cluster) -> None:
        while any(one.status.value == "creating" for one in self.members(cluster.identifier)):
            if self.jobs.delay(0.05):
                return

    def _reboot_all(self, members: list[Instance]) -> None:
        for member in members:
            self.restart(member)

    def _wipe_all(self, members: list[Instance]) -> None:
        for member in reversed(members):
            self._wipe(member)
            self._forget(member)


def _check_sizes(parameters: Mapping[str, Any]) -> None:
    instance_class(parameters.get("DBClusterInstanceClass") or "")
    if not parameters.get("AllocatedStorage"):
        raise AwsError("InvalidParameterCombination", "AllocatedStorage is required for a Multi-AZ DB cluster.")
    storage = parameters.get("StorageType", "io1")
    if storage not in STORAGE:
        raise AwsError("InvalidParameterValue", f"Invalid storage type for a Multi-AZ DB cluster: {storage}")
    if storage != "gp3" and not parameters.get("Iops"):
        raise AwsError("InvalidParameterCombination", f"You must specify Iops with storage type {storage}.")


def _all_available(everyone: list[Cluster | Instance]) -> None:
    for one in everyone:
        if one.status.value == "rebooting":
            one.status.set("available")
