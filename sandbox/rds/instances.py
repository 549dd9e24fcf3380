"""DB instances: made and deleted."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from sandbox.api.errors import AwsError
from sandbox.postgres.ports import free_port, is_free
from sandbox.postgres.server import Server, ServerFailed
from sandbox.postgres.standby import create_standby, forget_standby
from sandbox.rds.checks import check_master, must_be_available, must_match
from sandbox.rds.engines import (
    AURORA,
    cascades,
    check_engine,
    check_version,
    default_group,
    family_of,
    instance_class,
    major_of,
)
from sandbox.rds.estate import Cluster, Instance, checked_identifier, only
from sandbox.rds.maintenance import OPTIONS, Maintenance, back

log = logging.getLogger(__name__)

FIRST_SERVER_SECONDS = 180


class InstanceActions(Maintenance):
    """The actions by which instances come and go."""

    def create_db_instance(self, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        """Make an instance: its own, or a member of a cluster."""
        only(parameters, "CreateDBInstance", OPTIONS, (
            "DBInstanceIdentifier", "DBInstanceClass", "Engine", "EngineVersion", "DBName", "MasterUsername",
            "MasterUserPassword", "DBParameterGroupName", "DBClusterIdentifier", "Port", "Tags",
        ))  # fmt: skip
        with self.lock:
            instance = self._new_instance(parameters)
            primary = None
            if instance.cluster:
                primary = next((one for one in self.members(instance.cluster) if one.writer), None)
                instance.writer = primary is None
            return self._begin(instance, primary, parameters)

    def create_db_instance_read_replica(self, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        """Make a read replica of an RDS instance."""
        only(parameters, "CreateDBInstanceReadReplica", OPTIONS, (
            "DBInstanceIdentifier", "SourceDBInstanceIdentifier", "DBInstanceClass", "DBParameterGroupName", "Port",
            "Tags", "SourceRegion",
        ))  # fmt: skip
        with self.lock:
            source = self.find_instance(parameters["SourceDBInstanceIdentifier"])
            must_be_available(source)
            if source.cluster:
                raise AwsError("InvalidDBInstanceState", "An Aurora cluster gets readers by CreateDBInstance.")
            if source.options.get("BackupRetentionPeriod") == 0:
                raise AwsError(
                    "InvalidDBInstanceState", "Automated backups are not enabled for this database instance."
                )
            if source.replica_of and not cascades(source.version):
                raise AwsError(
                    self.assumptions.replica_of_a_replica,
                    f"Read replica {source.identifier} of PostgreSQL {source.version} cannot have read replicas.",
                )
            inherited = {
                "Engine": source.engine,
                "EngineVersion": source.version,
                "DBInstanceClass": source.klass,
                "DBParameterGroupName": source.group,
                "MasterUsername": source.master,
                "MasterUserPassword": source.password,
                "DBName": source.database,
            }
            instance = self._new_instance({**inherited, **parameters})
            instance.replica_of, instance.writer = source.identifier, False
            instance.server.has_room = False
            return self._begin(instance, source, parameters)

    def delete_db_instance(self, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        """Stop the server and delete its data."""
        with self.lock:
            instance = self.find_instance(parameters["DBInstanceIdentifier"])
            if instance.status.value in ("deleting", "creating"):
                state = "already being deleted" if instance.status.value == "deleting" else "being created"
                raise AwsError("InvalidDBInstanceState", f"Instance {instance.identifier} is {state}.")
            if instance.options.get("DeletionProtection"):
                raise AwsError("InvalidParameterCombination", "Cannot delete protected DB Instance, please disable deletion protection and try again.")  # fmt: skip # noqa: E501
            single = not instance.cluster and not instance.replica_of
            if single and not parameters.get("SkipFinalSnapshot") and not parameters.get("FinalDBSnapshotIdentifier"):
                raise AwsError("InvalidParameterCombination", "FinalDBSnapshotIdentifier is required unless SkipFinalSnapshot is specified.")  # fmt: skip # noqa: E501
            instance.status.set("deleting")
            self.jobs.run("delete", lambda: self._wipe(instance), then=lambda: self._forget(instance))
            return {"DBInstance": self.describe_instance(instance)}

    def _new_instance(self, parameters: Mapping[str, Any]) -> Instance:
        identifier = checked_identifier(parameters["DBInstanceIdentifier"], "DBInstanceIdentifier")
        if identifier in self.instances:
            raise AwsError("DBInstanceAlreadyExists", "DB instance already exists")
        engine = check_engine(parameters["Engine"])
        cluster = self._cluster_of(parameters, engine)
        have = (cluster.version,) if cluster else self.site.versions
        version = check_version(engine, parameters.get("EngineVersion"), have)
        instance_class(parameters["DBInstanceClass"])
        name = parameters.get("DBParameterGroupName") or default_group(engine, version)
        group = self.find_group(name, cluster=False)
        must_match(group.name, group.family, family_of(engine, version))
        if cluster is None:
            check_master(parameters)
        port = self._port(cluster, parameters)
        return Instance(
            identifier=identifier,
            engine=engine,
            version=version,
            klass=parameters["DBInstanceClass"],
            arn=self.arn("db", identifier),
            status=self.status("creating"),
            server=Server(self.site, identifier, port, self.site.installation(major_of(version))),
            group=group.name,
            master=cluster.master if cluster else parameters["MasterUsername"],
            password=cluster.password if cluster else parameters["MasterUserPassword"],
            database=cluster.database if cluster else parameters.get("DBName"),
            cluster=cluster.identifier if cluster else None,
            options={key: value for key, value in parameters.items() if key in OPTIONS},
        )

    def _cluster_of(self, parameters: Mapping[str, Any], engine: str) -> Cluster | None:
        if engine != AURORA:
            if parameters.get("DBClusterIdentifier"):
                raise AwsError("InvalidParameterCombination", "The engine of the instance must be that of its cluster.")
            return None
        if not parameters.get("DBClusterIdentifier"):
            raise AwsError("InvalidParameterCombination", "DBClusterIdentifier is required for this engine.")
        for name in ("MasterUsername", "MasterUserPassword", "DBName"):
            if parameters.get(name):
                raise AwsError("InvalidParameterCombination", f"{name} belongs to the DB cluster.")
        return self.find_cluster(parameters["DBClusterIdentifier"])

    def _port(self, cluster: Cluster | None, parameters: Mapping[str, Any]) -> int:
        taken = {one.server.port for one in self.instances.values()}
        if cluster and cluster.port not in taken:
            return cluster.port
        wanted = parameters.get("Port")
        if wanted and wanted not in taken and is_free(int(wanted)):
            return int(wanted)
        return free_port(taken | {one.port for one in self.clusters.values()})

    def _begin(self, instance: Instance, primary: Instance | None, parameters: Mapping[str, Any]) -> dict[str, Any]:
        self.instances[instance.identifier] = instance
        self.tag(instance.arn, parameters.get("Tags", ()))
        kind = "create-instance" if primary is None else "create-replica"
        self.jobs.run(kind, lambda: self._create(instance, primary), then=lambda: back(instance, "creating"))
        return {"DBInstance": self.describe_instance(instance)}

    def _create(self, instance: Instance, primary: Instance | None) -> None:
        try:
            with instance.hands:
                self.take_groups(instance)
                settings = instance.server.settings
                if primary is None:
                    instance.server.create(
                        owner=instance.master,
                        password=instance.password,
                        database=instance.database,
                        aurora=instance.engine == AURORA,
                        settings=settings,
                    )
                else:
                    self._wait_for_server(primary)
                    create_standby(instance.server, primary.server, settings=settings)
        except ServerFailed as err:
            log.warning("%s does not start: %s", instance.identifier, err)
            instance.status.set("incompatible-parameters")
        except Exception:
            log.exception("%s could not be created", instance.identifier)
            instance.status.set("failed")

    def _wait_for_server(self, primary: Instance) -> None:
        for _ in range(FIRST_SERVER_SECONDS * 20):
            with primary.hands:
                if primary.server.pid or self.jobs.delay(0.05):
                    return

    def _wipe(self, instance: Instance) -> None:
        for replica in self.replicas(instance.identifier):
            if replica.usable and replica.status.value != "deleting":
                self._promote(replica)
        readers = [one for one in self.members(instance.cluster or "") if one is not instance]
        if instance.writer and readers:
            self.fail_over(instance, readers[0])
        with instance.hands:
            primary = instance.server.standby_of
            instance.server.remove()
        if primary is not None and primary.pid:
            forget_standby(primary, instance.identifier)

    def _forget(self, instance: Instance) -> None:
        with self.lock:
            self.instances.pop(instance.identifier, None)
            self.tags.pop(instance.arn, None)
