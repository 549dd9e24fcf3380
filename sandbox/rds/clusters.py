"""Aurora DB clusters: made, changed, failed over, deleted."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from sandbox.api.errors import AwsError
from sandbox.postgres.ports import free_port, is_free
from sandbox.postgres.standby import follow, forget_standby
from sandbox.rds.checks import check_master, check_password, must_match
from sandbox.rds.describe import Describe
from sandbox.rds.engines import AURORA, check_engine, check_version, default_group, family_of, readers_survive
from sandbox.rds.estate import Cluster, Instance, checked_identifier, only

OPTIONS = (
    "AvailabilityZones", "BackupRetentionPeriod", "CopyTagsToSnapshot", "DBSubnetGroupName", "DeletionProtection",
    "EnableIAMDatabaseAuthentication", "KmsKeyId", "PreferredBackupWindow", "PreferredMaintenanceWindow",
    "StorageEncrypted", "StorageType", "VpcSecurityGroupIds",
)  # fmt: skip
"""Taken and shown again; they change nothing in a sandbox."""


class ClusterActions(Describe):
    """The actions on DB clusters."""

    def create_db_cluster(self, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        """Make a cluster; its server comes with its first instance."""
        only(parameters, "CreateDBCluster", OPTIONS, (
            "DBClusterIdentifier", "Engine", "EngineVersion", "EngineMode", "DatabaseName", "MasterUsername",
            "MasterUserPassword", "DBClusterParameterGroupName", "Port", "Tags",
        ))  # fmt: skip
        with self.lock:
            engine = check_engine(parameters["Engine"])
            if engine != AURORA or parameters.get("EngineMode", "provisioned") != "provisioned":
                raise AwsError("InvalidParameterValue", "The sandbox makes provisioned aurora-postgresql clusters.")
            cluster = self._new_cluster(parameters, engine, OPTIONS)
            self.jobs.after("create-cluster", lambda: cluster.status.set("available"))
            return {"DBCluster": self.describe_cluster(cluster)}

    def _new_cluster(self, parameters: Mapping[str, Any], engine: str, options: Collection[str]) -> Cluster:
        """Return a new cluster, still without members. ``options``: what of ``parameters`` it only shows again."""
        identifier = checked_identifier(parameters["DBClusterIdentifier"], "DBClusterIdentifier")
        if identifier in self.clusters:
            raise AwsError("DBClusterAlreadyExistsFault", "DB Cluster already exists")
        version = check_version(engine, parameters.get("EngineVersion"), self.site.versions)
        check_master(parameters)
        name = parameters.get("DBClusterParameterGroupName") or default_group(engine, version)
        group = self.find_group(name, cluster=True, code="DBClusterParameterGroupNotFound")
        must_match(group.name, group.family, family_of(engine, version))
        cluster = Cluster(
            identifier=identifier,
            engine=engine,
            version=version,
            arn=self.arn("cluster", identifier),
            status=self.status("creating"),
            group=group.name,
            master=parameters["MasterUsername"],
            password=parameters["MasterUserPassword"],
            port=self._cluster_port(parameters.get("Port")),
            database=parameters.get("DatabaseName"),
            options={key: value for key, value in parameters.items() if key in options},
        )
        self.clusters[identifier] = cluster
        self.tag(cluster.arn, parameters.get("Tags", ()))
        return cluster

    def modify_db_cluster(self, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        """Change a cluster: another cluster parameter group, or the master's password."""
        only(parameters, "ModifyDBCluster", OPTIONS, (
            "DBClusterIdentifier", "ApplyImmediately", "DBClusterParameterGroupName", "MasterUserPassword",
            "DBInstanceParameterGroupName", "AllowMajorVersionUpgrade",
        ))  # fmt: skip
        with self.lock:
            cluster = self.find_cluster(parameters["DBClusterIdentifier"])
            if cluster.status.value != "available":
                raise _wrong_state(cluster)
            if parameters.get("DBInstanceParameterGroupName"):
                raise AwsError(
                    "InvalidParameterCombination",
                    "DBInstanceParameterGroupName is only valid in combination with AllowMajorVersionUpgrade.",
                )
            now = bool(parameters.get("ApplyImmediately"))
            if name := parameters.get("DBClusterParameterGroupName"):
                self._attach_cluster_group(cluster, name, now=now)
            if (password := parameters.get("MasterUserPassword")) and now:
                self._change_cluster_password(cluster, password)
            cluster.options.update({key: value for key, value in parameters.items() if key in OPTIONS})
            return {"DBCluster": self.describe_cluster(cluster)}

    def delete_db_cluster(self, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        """Delete a cluster without instances."""
        with self.lock:
            cluster = self.find_cluster(parameters["DBClusterIdentifier"])
            if any(one.status.value != "deleting" for one in self.members(cluster.identifier)):
                raise AwsError(
                    "InvalidDBClusterStateFault",
                    "Cluster cannot be deleted, it still contains DB instances in non-deleting state.",
                )
            if cluster.options.get("DeletionProtection"):
                raise AwsError("InvalidParameterCombination", "Cannot delete protected Cluster, please disable deletion protection and try again.")  # fmt: skip # noqa: E501
            if not parameters.get("SkipFinalSnapshot") and not parameters.get("FinalDBSnapshotIdentifier"):
                raise AwsError("InvalidParameterCombination", "FinalDBSnapshotIdentifier is required unless SkipFinalSnapshot is specified.")  # fmt: skip # noqa: E501
            cluster.status.set("deleting")
            self.jobs.run("delete", lambda: self._wait_for_members(cluster), then=lambda: self._forget_cluster(cluster))
            return {"DBCluster": self.describe_cluster(cluster)}

    def reboot_db_cluster(self, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        """Refuse: it is for Multi-AZ DB clusters, which are not Aurora."""
        with self.lock:
            self.find_cluster(parameters["DBClusterIdentifier"])
        raise AwsError(
            self.assumptions.reboot_aurora_cluster,
            "RebootDBCluster is for Multi-AZ DB clusters. Reboot the instances of an Aurora cluster.",
        )

    def failover_db_cluster(self, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        """Make a reader the writer; the storage, slots included, goes with the role."""
        with self.lock:
            cluster = self.find_cluster(parameters["DBClusterIdentifier"])
            members = self.members(cluster.identifier)
            if cluster.status.value != "available" or any(one.status.value != "available" for one in members):
                raise _wrong_state(cluster)
            wanted = parameters.get("TargetDBInstanceIdentifier")
            readers = [one for one in members if not one.writer and wanted in (None, one.identifier)]
            if not readers:
                raise AwsError("InvalidDBClusterStateFault", "The cluster has no instance to fail over to.")
            cluster.status.set("failing-over")
            self.jobs.run(
                "failover",
                lambda: self.fail_over(members[0], readers[0]),
                then=lambda: cluster.status.set("available"),
            )
            return {"DBCluster": self.describe_cluster(cluster)}

    def fail_over(self, old: Instance, new: Instance) -> None:
        """Exchange the data of a writer and a reader: Aurora's instances share it."""
        others = [one for one in self.members(old.cluster or "") if one not in (old, new)]
        with old.hands, new.hands:
            old.server.stop()
            new.server.stop()
            old.server.data, new.server.data = new.server.data, old.server.data
            new.server.standby_of = None
            new.server.start()
            with new.server.connect() as connection:
                connection.execute(
                    "select pg_create_physical_replication_slot(%s, true)",
                    ["rds_" + old.identifier.replace("-", "_")],
                )
            follow(old.server, new.server)
            old.server.start()
        for reader in others:
            with reader.hands:
                reader.server.standby_of = new.server
                reader.server.reload()
        forget_standby(new.server, new.identifier)
        with self.lock:
            old.writer, new.writer = False, True
            self.clusters[old.cluster or ""].port = new.server.port

    def restart_readers(self, writer: Instance) -> None:
        """Restart the readers with their writer where the version does not spare them."""
        if writer.cluster and writer.writer and not readers_survive(writer.version):
            for reader in self.members(writer.cluster)[1:]:
                self.restart(reader)

    def _attach_cluster_group(self, cluster: Cluster, name: str, *, now: bool) -> None:
        group = self.find_group(name, cluster=True, code="DBClusterParameterGroupNotFound")
        must_match(group.name, group.family, family_of(cluster.engine, cluster.version))
        if group.name == cluster.group or not now:
            return
        cluster.group = group.name
        members = self.members(cluster.identifier)
        for member in members:
            member.cluster_apply_status = "applying"
        cluster.status.set("modifying")

        def then() -> None:
            for member in members:
                member.cluster_apply_status = "pending-reboot"
            cluster.status.set("available")

        self.jobs.after("attach", then)

    def _change_cluster_password(self, cluster: Cluster, password: str) -> None:
        check_password(password)
        cluster.password = password
        members = self.members(cluster.identifier)
        for member in members:
            member.password = password
        cluster.status.set("resetting-master-credentials")
        self.jobs.run(
            "modify",
            lambda: members[0].server.set_password(cluster.master, password) if members else None,
            then=lambda: cluster.status.set("available"),
        )

    def _cluster_port(self, wanted: int | None) -> int:
        taken = {one.server.port for one in self.instances.values()} | {one.port for one in self.clusters.values()}
        if wanted and wanted not in taken and is_free(int(wanted)):
            return int(wanted)
        return free_port(taken)

    def _wait_for_members(self, cluster: Cluster) -> None:
        while self.members(cluster.identifier) and not self.jobs.delay(0.05):
            pass

    def _forget_cluster(self, cluster: Cluster) -> None:
        with self.lock:
            self.clusters.pop(cluster.identifier, None)
            self.tags.pop(cluster.arn, None)


def _wrong_state(cluster: Cluster) -> AwsError:
    return AwsError("InvalidDBClusterStateFault", f"DB cluster {cluster.identifier} is not in available state.")
