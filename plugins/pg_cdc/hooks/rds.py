"""RDS calls: one method is one call, or one read of all pages. Nothing found is None, not an error."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from airflow.providers.amazon.aws.hooks.rds import RdsHook
from botocore.exceptions import ClientError

from pg_cdc.hooks.aws_errors import error_code
from pg_cdc.hooks.memo import shared_hook

if TYPE_CHECKING:
    from pg_cdc.config import Migration

Row = dict[str, Any]

NOT_FOUND = frozenset(
    {
        "DBClusterNotFoundFault",
        "DBInstanceNotFound",
        "DBInstanceNotFoundFault",
        "DBParameterGroupNotFound",
        "DBParameterGroupNotFoundFault",
        "DBClusterParameterGroupNotFound",
        "DBClusterParameterGroupNotFoundFault",
    }
)
"""Which name RDS gives the same thing differs from call to call."""


BUSY = frozenset(
    {
        "DBInstanceAlreadyExists",
        "InvalidDBClusterState",
        "InvalidDBClusterStateFault",
        "InvalidDBInstanceState",
        "InvalidDBInstanceStateFault",
    }
)
"""Refusals that a later look settles."""


class CdcRdsHook(RdsHook):
    """The provider's hook, with every page and with what it lacks. No botocore waiters: they look too early."""

    @classmethod
    def of(cls, migration: Migration) -> CdcRdsHook:
        """Return the hook for the AWS account of ``migration``."""
        aws = migration.aws
        return shared_hook(lambda: cls(aws_conn_id=aws.conn_id, region_name=aws.region), cls, aws.conn_id, aws.region)

    @property
    def _client(self) -> Any:
        return self.conn

    def find_cluster(self, identifier: str) -> Row | None:
        """Return a DB cluster."""
        return self._one("DBClusters", lambda: self._client.describe_db_clusters(DBClusterIdentifier=identifier))

    def find_instance(self, identifier: str) -> Row | None:
        """Return a DB instance."""
        return self._one("DBInstances", lambda: self._client.describe_db_instances(DBInstanceIdentifier=identifier))

    def list_clusters(self) -> list[Row]:
        """Return every DB cluster of the region."""
        return self._all("describe_db_clusters", "DBClusters")

    def list_instances(self, cluster: str | None = None) -> list[Row]:
        """Return every DB instance of the region, or the members of ``cluster``."""
        filters = [{"Name": "db-cluster-id", "Values": [cluster]}] if cluster else []
        return self._all("describe_db_instances", "DBInstances", Filters=filters)

    def find_group(self, name: str, *, cluster: bool) -> Row | None:
        """Return a parameter group as ``name``, ``family``, ``arn``."""
        kind = _kind(cluster)
        describe = (
            self._client.describe_db_cluster_parameter_groups if cluster else self._client.describe_db_parameter_groups
        )
        row = self._one(f"{kind}s", lambda: describe(**{f"{kind}Name": name}))
        return row and _group(kind, row)

    def list_groups(self, *, cluster: bool) -> list[Row]:
        """Return every parameter group of the region as ``name``, ``family``, ``arn``."""
        kind = _kind(cluster)
        operation = "describe_db_cluster_parameter_groups" if cluster else "describe_db_parameter_groups"
        return [_group(kind, row) for row in self._all(operation, f"{kind}s")]

    def list_parameters(self, name: str, *, cluster: bool) -> list[Row]:
        """Return every parameter of a group: AWS filters by nothing that would spare a page."""
        operation = "describe_db_cluster_parameters" if cluster else "describe_db_parameters"
        return self._all(operation, "Parameters", **{f"{_kind(cluster)}Name": name})

    def tags(self, arn: str) -> dict[str, str]:
        """Return the tags of a resource."""
        return {tag["Key"]: tag["Value"] for tag in self._client.list_tags_for_resource(ResourceName=arn)["TagList"]}

    def tag(self, arn: str, tags: Mapping[str, str]) -> None:
        """Add tags to a resource."""
        self._client.add_tags_to_resource(ResourceName=arn, Tags=_tag_list(tags))

    def create_group(self, name: str, *, cluster: bool, family: str, description: str, tags: Mapping[str, str]) -> bool:
        """Make a parameter group; False: there is one of this name already."""
        kind = _kind(cluster)
        create = self._client.create_db_cluster_parameter_group if cluster else self._client.create_db_parameter_group
        request = {f"{kind}Name": name, "DBParameterGroupFamily": family, "Description": description}
        try:
            create(**request, Tags=_tag_list(tags))
        except ClientError as error:
            if error_code(error) == "DBParameterGroupAlreadyExists":
                return False
            raise
        return True

    def modify_group(self, name: str, *, cluster: bool, values: Iterable[tuple[str, str, str]]) -> None:
        """Set up to 20 parameters, each as name, value, ApplyMethod."""
        modify = self._client.modify_db_cluster_parameter_group if cluster else self._client.modify_db_parameter_group
        rows = [{"ParameterName": key, "ParameterValue": value, "ApplyMethod": how} for key, value, how in values]
        modify(**{f"{_kind(cluster)}Name": name, "Parameters": rows})

    def reset_parameters(self, name: str, *, cluster: bool, values: Iterable[tuple[str, str]]) -> None:
        """Give up to 20 parameters, each as name and ApplyMethod, back to the engine."""
        reset = self._client.reset_db_cluster_parameter_group if cluster else self._client.reset_db_parameter_group
        rows = [{"ParameterName": key, "ApplyMethod": how} for key, how in values]
        reset(**{f"{_kind(cluster)}Name": name, "ResetAllParameters": False, "Parameters": rows})

    def delete_group(self, name: str, *, cluster: bool) -> bool:
        """Delete a parameter group; False: a database is still seen to use it."""
        delete = self._client.delete_db_cluster_parameter_group if cluster else self._client.delete_db_parameter_group
        try:
            delete(**{f"{_kind(cluster)}Name": name})
        except ClientError as error:
            if error_code(error) in ("InvalidDBParameterGroupState", "InvalidDBParameterGroupStateFault"):
                return False
            if error_code(error) not in NOT_FOUND:
                raise
        return True

    def attach_group(self, identifier: str, name: str, *, cluster: bool) -> None:
        """Give a DB cluster or a DB instance another parameter group, now and not in its window."""
        if cluster:
            self._client.modify_db_cluster(
                DBClusterIdentifier=identifier, DBClusterParameterGroupName=name, ApplyImmediately=True
            )
        else:
            self._client.modify_db_instance(
                DBInstanceIdentifier=identifier, DBParameterGroupName=name, ApplyImmediately=True
            )

    def reboot(self, instance: str) -> bool:
        """Reboot a DB instance, without failover; False: it is busy, perhaps with a reboot.

        With one, the standby of a Multi-AZ instance would go on with the old values.
        """
        return self._busy_is_false(
            lambda: self._client.reboot_db_instance(DBInstanceIdentifier=instance, ForceFailover=False)
        )

    def reboot_cluster(self, cluster: str) -> bool:
        """Reboot every instance of a Multi-AZ DB cluster; False: it is busy, perhaps with a reboot."""
        return self._busy_is_false(lambda: self._client.reboot_db_cluster(DBClusterIdentifier=cluster))

    def create_replica(
        self,
        identifier: str,
        *,
        of: str,
        instance_class: str | None,
        parameter_group: str | None,
        tags: Mapping[str, str],
    ) -> bool:
        """Make a read replica of an RDS instance; False: that is busy, or there is an instance of this name."""
        chosen = {"DBInstanceClass": instance_class, "DBParameterGroupName": parameter_group}
        return self._busy_is_false(
            lambda: self._client.create_db_instance_read_replica(
                DBInstanceIdentifier=identifier,
                SourceDBInstanceIdentifier=of,
                Tags=_tag_list(tags),
                **{key: value for key, value in chosen.items() if value},
            )
        )

    def promote(self, replica: str) -> bool:
        """Make a read replica an instance of its own; False: it is busy."""
        return self._busy_is_false(lambda: self._client.promote_read_replica(DBInstanceIdentifier=replica))

    def delete_replica(self, replica: str) -> bool:
        """Delete a read replica, of which no snapshot can be made; False: it is busy."""
        return self._busy_is_false(
            lambda: self._client.delete_db_instance(DBInstanceIdentifier=replica, SkipFinalSnapshot=True)
        )

    def _busy_is_false(self, call: Callable[[], Any]) -> bool:
        try:
            call()
        except ClientError as error:
            if error_code(error) in BUSY:
                return False
            raise
        return True

    def _all(self, operation: str, key: str, **parameters: Any) -> list[Row]:
        pages = self._client.get_paginator(operation).paginate(**parameters)
        return [row for page in pages for row in page[key]]

    def _one(self, key: str, describe: Callable[[], Row]) -> Row | None:
        try:
            rows = describe()[key]
        except ClientError as error:
            if error_code(error) in NOT_FOUND:
                return None
            raise
        return rows[0] if rows else None


def _kind(cluster: bool) -> str:
    return "DBClusterParameterGroup" if cluster else "DBParameterGroup"


def _group(kind: str, row: Row) -> Row:
    return {"name": row[f"{kind}Name"], "family": row["DBParameterGroupFamily"], "arn": row.get(f"{kind}Arn", "")}


def _tag_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]
