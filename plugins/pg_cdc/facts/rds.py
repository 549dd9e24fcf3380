"""Read a DB cluster or an RDS instance, and its parameter groups, into the facts of ``decisions.world``."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from pg_cdc.decisions.world import Database, Engine, Member, Parameter, ParameterGroup
from pg_cdc.failures import NotYet, PreflightFailed

if TYPE_CHECKING:
    from pg_cdc.hooks.rds import CdcRdsHook

Row = dict[str, Any]
Users = dict[tuple[bool, str], list[str]]
"""(Is it a cluster group, its name) to the databases that use it."""


def read_database(hook: CdcRdsHook, identifier: str) -> Database:
    """Return the DB cluster or RDS instance of this identifier.

    :raises PreflightFailed: there is none; or it is a member of a cluster, or no PostgreSQL we can work with.
    :raises NotYet: the cluster has no writer at this moment, as in a failover.
    """
    if (cluster := hook.find_cluster(identifier)) is not None:
        return _cluster(cluster, hook.list_instances(cluster["DBClusterIdentifier"]))
    if (instance := hook.find_instance(identifier)) is not None:
        return _rds(instance)
    raise _unknown(hook, identifier)


def read_parameter_groups(hook: CdcRdsHook, database: Database) -> tuple[ParameterGroup, ...]:
    """Return the cluster group, if any, then each instance group once; with all parameters, users and tags."""
    clusters, instances = hook.list_clusters(), hook.list_instances()
    wanted = [(database.cluster_parameter_group, True)] if database.cluster_parameter_group else []
    wanted += [(name, False) for name in dict.fromkeys(member.parameter_group for member in database.members)]
    users = _users(clusters, instances)
    rows = ((hook.find_group(name, cluster=cluster), cluster) for name, cluster in wanted)
    return tuple(_group(hook, row, cluster, users) for row, cluster in rows if row is not None)


def read_parameter_group(hook: CdcRdsHook, name: str, *, cluster: bool) -> ParameterGroup | None:
    """Return one parameter group, attached or not; None: there is none of this name."""
    row = hook.find_group(name, cluster=cluster)
    return None if row is None else _group(hook, row, cluster, _users(hook.list_clusters(), hook.list_instances()))


def _group(hook: CdcRdsHook, row: Row, cluster: bool, users: Users) -> ParameterGroup:
    name = row["name"]
    default = name.startswith("default.")
    return ParameterGroup(
        name=name,
        family=row["family"],
        cluster=cluster,
        arn=row["arn"],
        users=tuple(users.get((cluster, name), ())),
        parameters={one["ParameterName"]: _parameter(one) for one in hook.list_parameters(name, cluster=cluster)},
        tags={} if default or not row["arn"] else hook.tags(row["arn"]),
    )


def _users(clusters: list[Row], instances: list[Row]) -> Users:
    """Return who uses each group: no API tells, so all databases of the region are looked at."""
    users: Users = {}
    for row in clusters:
        users.setdefault((True, row.get("DBClusterParameterGroup", "")), []).append(row["DBClusterIdentifier"])
    for row in instances:
        for group in row.get("DBParameterGroups", ()):
            users.setdefault((False, group["DBParameterGroupName"]), []).append(row["DBInstanceIdentifier"])
    return users


def _parameter(row: Row) -> Parameter:
    return Parameter(
        name=row["ParameterName"],
        value=row.get("ParameterValue"),
        source=row.get("Source", "engine-default"),
        apply_type=row.get("ApplyType", "static"),
        data_type=row.get("DataType", "string"),
        allowed_values=row.get("AllowedValues"),
        modifiable=row.get("IsModifiable", True),
    )


def _cluster(cluster: Row, instances: list[Row]) -> Database:
    identifier = cluster["DBClusterIdentifier"]
    if cluster["Engine"] not in set(Engine) or cluster.get("EngineMode") == "serverless":
        mode = f", {cluster['EngineMode']}" if cluster.get("EngineMode") else ""
        raise PreflightFailed(
            found=f"cluster {identifier} with engine {cluster['Engine']}{mode}",
            expected="Aurora PostgreSQL (provisioned or serverless v2) or RDS for PostgreSQL",
            next="name another source; serverless v1 has no change capture",
        )
    members = tuple(_cluster_members(cluster, instances))
    if not members:
        raise PreflightFailed(
            found=f"cluster {identifier} without instances",
            expected="a writer",
            next="add an instance to the cluster, and clear this task",
        )
    if not any(member.writer for member in members):
        raise NotYet(f"cluster {identifier} has no writer at this moment")
    writer = next(row for row in instances if row["DBInstanceIdentifier"] == _writer_of(members).identifier)
    return Database(
        identifier=identifier,
        engine=Engine(cluster["Engine"]),
        version=cluster["EngineVersion"],
        status=cluster["Status"],
        arn=cluster["DBClusterArn"],
        host=cluster.get("Endpoint", ""),
        port=cluster.get("Port", 0),
        master_user=cluster.get("MasterUsername", ""),
        members=members,
        cluster_parameter_group=cluster["DBClusterParameterGroup"],
        replica_of=cluster.get("ReplicationSourceIdentifier") or None,
        replicas=tuple(cluster.get("ReadReplicaIdentifiers", ())),
        subnet_ids=_subnets(writer),
        security_group_ids=_security_groups(cluster),
        tags=_tags(cluster),
    )


def _rds(instance: Row) -> Database:
    identifier = instance["DBInstanceIdentifier"]
    if cluster := instance.get("DBClusterIdentifier"):
        raise PreflightFailed(
            found=f"{identifier} is an instance of cluster {cluster}",
            expected="a cluster's own identifier: its writer may be another instance tomorrow",
            next=f"put {cluster} in the place of {identifier}",
        )
    if instance["Engine"] != Engine.RDS:
        raise PreflightFailed(
            found=f"{identifier} with engine {instance['Engine']}",
            expected="RDS for PostgreSQL or Aurora PostgreSQL",
            next="name another database",
        )
    member = _member(instance, writer=True)
    return Database(
        identifier=identifier,
        engine=Engine.RDS,
        version=instance["EngineVersion"],
        status=instance["DBInstanceStatus"],
        arn=instance["DBInstanceArn"],
        host=member.host,
        port=member.port,
        master_user=instance.get("MasterUsername", ""),
        members=(member,),
        replica_of=instance.get("ReadReplicaSourceDBInstanceIdentifier") or None,
        replicas=tuple(instance.get("ReadReplicaDBInstanceIdentifiers", ())),
        backup_days=instance.get("BackupRetentionPeriod", 0),
        subnet_ids=_subnets(instance),
        security_group_ids=_security_groups(instance),
        tags=_tags(instance),
    )


def _cluster_members(cluster: Row, instances: list[Row]) -> Iterator[Member]:
    described = {row["DBInstanceIdentifier"]: row for row in instances}
    for row in cluster.get("DBClusterMembers", ()):
        if (instance := described.get(row["DBInstanceIdentifier"])) is not None:
            status = row.get("DBClusterParameterGroupStatus", "in-sync")
            yield _member(instance, writer=row["IsClusterWriter"], cluster_apply_status=status)


def _member(row: Row, *, writer: bool, cluster_apply_status: str | None = None) -> Member:
    group: Row = next(iter(row.get("DBParameterGroups", ())), {})
    endpoint = row.get("Endpoint") or {}
    return Member(
        identifier=row["DBInstanceIdentifier"],
        arn=row["DBInstanceArn"],
        writer=writer,
        status=row["DBInstanceStatus"],
        host=endpoint.get("Address", ""),
        port=endpoint.get("Port", 0),
        instance_class=row["DBInstanceClass"],
        parameter_group=group.get("DBParameterGroupName", ""),
        apply_status=group.get("ParameterApplyStatus", "in-sync"),
        cluster_apply_status=cluster_apply_status,
    )


def _writer_of(members: tuple[Member, ...]) -> Member:
    return next(member for member in members if member.writer)


def _subnets(instance: Row) -> tuple[str, ...]:
    subnets = (instance.get("DBSubnetGroup") or {}).get("Subnets", ())
    return tuple(subnet["SubnetIdentifier"] for subnet in subnets)


def _security_groups(row: Row) -> tuple[str, ...]:
    return tuple(group["VpcSecurityGroupId"] for group in row.get("VpcSecurityGroups", ()))


def _tags(row: Row) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in row.get("TagList", ())}


def _unknown(hook: CdcRdsHook, identifier: str) -> PreflightFailed:
    known = [row["DBClusterIdentifier"] for row in hook.list_clusters()]
    known += [row["DBInstanceIdentifier"] for row in hook.list_instances() if not row.get("DBClusterIdentifier")]
    near = get_close_matches(identifier, known, n=5, cutoff=0.4) or known[:5]
    there = f"there: {', '.join(near)}" if near else "there is no database at all"
    return PreflightFailed(
        found=f"no cluster or instance {identifier} in {hook.conn_region_name}; {there}",
        expected="the identifier of an Aurora cluster or an RDS instance of this account and region",
        next="correct the identifier, aws.region or aws.conn_id in the spec",
    )
