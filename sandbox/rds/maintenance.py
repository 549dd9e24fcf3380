"""What happens to a DB instance in its life: modified, rebooted, promoted, stopped, started, killed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.api.errors import AwsError
from sandbox.postgres.standby import forget_standby
from sandbox.rds.checks import check_password, must_be_available, must_match
from sandbox.rds.clusters import ClusterActions
from sandbox.rds.engines import GIB, family_of, instance_class
from sandbox.rds.estate import Instance, allocated, only
from sandbox.rds.groups import PENDING

OPTION_NAMES = """
AllocatedStorage AutoMinorVersionUpgrade AvailabilityZone BackupRetentionPeriod CACertificateIdentifier
CopyTagsToSnapshot DBSubnetGroupName DeletionProtection EnableIAMDatabaseAuthentication
EnablePerformanceInsights Iops KmsKeyId LicenseModel MaxAllocatedStorage MonitoringInterval
MonitoringRoleArn MultiAZ PreferredBackupWindow PreferredMaintenanceWindow PromotionTier PubliclyAccessible
StorageEncrypted StorageType VpcSecurityGroupIds
"""
OPTIONS = frozenset(OPTION_NAMES.split())
"""Taken and shown again; they change nothing in a sandbox."""


class Maintenance(ClusterActions):
    """The actions on instances that exist."""

    def promote_read_replica(self, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        """Make a read replica an instance of its own."""
        with self.lock:
            instance = self.find_instance(parameters["DBInstanceIdentifier"])
            must_be_available(instance)
            if instance.replica_of is None:
                raise AwsError("InvalidDBInstanceState", "DB Instance is not a read replica.")
            instance.status.set("modifying")
            self.jobs.run("promote", lambda: self._promote(instance), then=lambda: instance.status.set("available"))
            return {"DBInstance": self.describe_instance(instance)}

    def reboot_db_instance(self, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        """Restart the real server with its groups' values."""
        with self.lock:
            instance = self.find_instance(parameters["DBInstanceIdentifier"])
            must_be_available(instance, also=("incompatible-parameters",))
            failover = bool(parameters.get("ForceFailover"))
            if failover and not instance.options.get("MultiAZ"):
                raise AwsError(
                    self.assumptions.force_failover_single_az,
                    "ForceFailover cannot be specified since the instance is not configured for MultiAZ.",
                )
            instance.status.set("rebooting")
            work = self._change_zones if failover else self._reboot
            self.jobs.run("reboot", lambda: work(instance), then=lambda: back(instance, "rebooting"))
            return {"DBInstance": self.describe_instance(instance)}

    def modify_db_instance(self, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        """Change an instance: another parameter group, class or password."""
        only(parameters, "ModifyDBInstance", OPTIONS, (
            "DBInstanceIdentifier", "ApplyImmediately", "DBParameterGroupName", "DBInstanceClass", "MasterUserPassword",
        ))  # fmt: skip
        with self.lock:
            instance = self.find_instance(parameters["DBInstanceIdentifier"])
            more = _more_storage(instance, parameters)
            must_be_available(instance, also=("storage-full",) if more else ())
            if more:
                self._grow(instance, more)
            if name := parameters.get("DBParameterGroupName"):
                self._attach(instance, name)
            if password := parameters.get("MasterUserPassword"):
                self._change_password(instance, password)
            if klass := parameters.get("DBInstanceClass"):
                self._resize(instance, klass, now=bool(parameters.get("ApplyImmediately")))
            instance.options.update({key: value for key, value in parameters.items() if key in OPTIONS})
            return {"DBInstance": self.describe_instance(instance)}

    def stop_db_instance(self, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        """Stop an instance of RDS."""
        with self.lock:
            instance = self.find_instance(parameters["DBInstanceIdentifier"])
            must_be_available(instance)
            if instance.cluster or instance.replica_of or self.replicas(instance.identifier):
                raise AwsError("InvalidDBInstanceState", "Cluster members and replicated instances cannot be stopped.")
            instance.status.set("stopping")
            self.jobs.run("stop", instance.server.stop, then=lambda: instance.status.set("stopped"))
            return {"DBInstance": self.describe_instance(instance)}

    def start_db_instance(self, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        """Start a stopped instance."""
        with self.lock:
            instance = self.find_instance(parameters["DBInstanceIdentifier"])
            if instance.status.value != "stopped":
                raise AwsError("InvalidDBInstanceState", "Instance is not in stopped state.")
            instance.status.set("starting")
            self.jobs.run("start", lambda: self._reboot(instance), then=lambda: back(instance, "starting"))
            return {"DBInstance": self.describe_instance(instance)}

    def _reboot(self, instance: Instance) -> None:
        self.restart(instance)
        self.restart_readers(instance)

    def _change_zones(self, instance: Instance) -> None:
        """Go on with the standby of a Multi-AZ instance: what waits for a reboot goes on waiting."""
        with instance.hands:
            instance.server.stop("immediate")
            self.bring_up(instance)

    def _promote(self, instance: Instance) -> None:
        with instance.hands:
            source, instance.replica_of = self.instances[instance.replica_of or ""], None
            instance.server.promote()
            instance.writer = True
        forget_standby(source.server, instance.identifier)

    def _attach(self, instance: Instance, name: str) -> None:
        group = self.find_group(name, cluster=False)
        must_match(group.name, group.family, family_of(instance.engine, instance.version))
        if group.name != instance.group:
            instance.group = group.name
            instance.apply_status = "applying"
            instance.status.set("modifying")
            self.jobs.after("attach", lambda: _attached(instance))

    def _change_password(self, instance: Instance, password: str) -> None:
        if instance.cluster or instance.replica_of:
            raise AwsError("InvalidParameterCombination", "The master password belongs to the cluster or the source.")
        check_password(password)
        instance.password = password
        instance.status.set("resetting-master-credentials")
        self.jobs.run(
            "modify",
            lambda: instance.server.set_password(instance.master, password),
            then=lambda: back(instance, "resetting-master-credentials"),
        )

    def _grow(self, instance: Instance, gibibytes: int) -> None:
        """Give an instance more storage; one that was full starts again."""

        def work() -> None:
            with instance.hands:
                if instance.server.small_volume is not None:
                    instance.server.small_volume.grow(gibibytes * GIB)
                if instance.server.pid is None:
                    self.bring_up(instance)

        instance.status.set("modifying")
        self.jobs.run("modify", work, then=lambda: back(instance, "modifying"))

    def _resize(self, instance: Instance, klass: str, *, now: bool) -> None:
        instance_class(klass)
        if klass != instance.klass and now:
            instance.klass = klass
            instance.status.set("modifying")
            self.jobs.run("modify", lambda: self._reboot(instance), then=lambda: back(instance, "modifying"))


def _more_storage(instance: Instance, parameters: Mapping[str, Any]) -> int:
    """Return by how many GiB the storage is to grow now. :raises AwsError: it would shrink, or grow by too little."""
    wanted = parameters.get("AllocatedStorage")
    have = allocated(instance)
    if wanted is None or instance.cluster or int(wanted) == have:
        return 0
    if int(wanted) < have * 1.1:
        raise AwsError(
            "InvalidParameterCombination",
            f"Invalid storage size for engine name {instance.engine}: {have} GiB can only grow, by 10% or more.",
        )
    return int(wanted) - have if parameters.get("ApplyImmediately") else 0


def _attached(instance: Instance) -> None:
    instance.apply_status = PENDING
    back(instance, "modifying")


def back(instance: Instance, state: str) -> None:
    """End ``state``, unless something else came in between."""
    if instance.status.value == state:
        instance.status.set("available")
