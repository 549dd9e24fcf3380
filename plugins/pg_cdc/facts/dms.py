"""Read DMS into the dataclasses that decisions work on. Changes nothing."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pg_cdc.decisions import names
from pg_cdc.decisions.dms.endpoints import S3, Connection, Endpoint
from pg_cdc.decisions.dms.resources import ReplicationInstance, SubnetGroup, sibling_arn
from pg_cdc.decisions.dms.task import LoadStats, TableStatistics, Task
from pg_cdc.decisions.lake.endpoint import settings_from

if TYPE_CHECKING:
    from pg_cdc.config import Migration
    from pg_cdc.hooks.dms import CdcDmsHook

LOGIN_KEYS = frozenset(
    {
        "Password",
        "Username",
        "ServerName",
        "Port",
        "DatabaseName",
        "SecretsManagerSecretId",
        "SecretsManagerAccessRoleArn",
    }
)


def instance_identifier(migration: Migration) -> str:
    """Return the replication instance of the migration: the one the spec names, or ours."""
    return migration.replication.instance_identifier or names.resource(migration.name)


def read_subnet_group(hook: CdcDmsHook, name: str, *, database_arn: str) -> SubnetGroup | None:
    """Return the subnet group ``name`` with its tags."""
    row = hook.subnet_group(name)
    if row is None:
        return None
    arn = sibling_arn(database_arn, "subgrp", row["ReplicationSubnetGroupIdentifier"])
    return SubnetGroup(
        name=row["ReplicationSubnetGroupIdentifier"],
        arn=arn,
        subnet_ids=tuple(subnet["SubnetIdentifier"] for subnet in row.get("Subnets", ())),
        vpc_id=row.get("VpcId", ""),
        tags=hook.tags(arn),
    )


def read_instance(hook: CdcDmsHook, identifier: str, *, with_tags: bool = False) -> ReplicationInstance | None:
    """Return the replication instance ``identifier``."""
    row = hook.instance(identifier)
    if row is None:
        return None
    arn = row["ReplicationInstanceArn"]
    return ReplicationInstance(
        identifier=row["ReplicationInstanceIdentifier"],
        arn=arn,
        status=row["ReplicationInstanceStatus"],
        instance_class=row.get("ReplicationInstanceClass", ""),
        storage_gb=row.get("AllocatedStorage", 0),
        multi_az=row.get("MultiAZ", False),
        public=row.get("PubliclyAccessible", False),
        subnet_group=(row.get("ReplicationSubnetGroup") or {}).get("ReplicationSubnetGroupIdentifier", ""),
        security_group_ids=tuple(group["VpcSecurityGroupId"] for group in row.get("VpcSecurityGroups", ())),
        engine_version=row.get("EngineVersion", ""),
        tags=hook.tags(arn) if with_tags else {},
    )


def read_endpoint(hook: CdcDmsHook, identifier: str, *, with_tags: bool = False) -> Endpoint | None:
    """Return the endpoint ``identifier``."""
    row = hook.endpoint(identifier)
    if row is None:
        return None
    settings = row.get("PostgreSQLSettings") or {}
    arn = row["EndpointArn"]
    return Endpoint(
        identifier=row["EndpointIdentifier"],
        end=row["EndpointType"].lower(),
        engine=row["EngineName"],
        database=row.get("DatabaseName") or settings.get("DatabaseName", ""),
        server=row.get("ServerName"),
        port=row.get("Port"),
        username=row.get("Username"),
        secret_arn=settings.get("SecretsManagerSecretId"),
        secret_access_role_arn=settings.get("SecretsManagerAccessRoleArn"),
        ssl_mode=row.get("SslMode", "none"),
        certificate_arn=row.get("CertificateArn"),
        settings=settings_from(row.get("S3Settings") or {})
        if row["EngineName"] == S3
        else {key: value for key, value in settings.items() if key not in LOGIN_KEYS},
        arn=arn,
        status=row.get("Status", ""),
        tags=hook.tags(arn) if with_tags else {},
    )


def read_connection(hook: CdcDmsHook, endpoint_arn: str, instance_arn: str) -> Connection | None:
    """Return the last test of this endpoint from this instance; None: never tested."""
    rows = hook.connections(endpoint_arn, instance_arn)
    if not rows:
        return None
    return Connection(
        endpoint_arn=endpoint_arn,
        instance_arn=instance_arn,
        status=rows[0]["Status"],
        last_failure=rows[0].get("LastFailureMessage") or "",
    )


def read_task(hook: CdcDmsHook, identifier: str, *, settings: bool = False, with_tags: bool = False) -> Task | None:
    """Return the task ``identifier``; its settings and tags only if asked for."""
    row = hook.task(identifier, settings=settings)
    return task_from(row, tags=hook.tags(row["ReplicationTaskArn"]) if with_tags else {}) if row else None


def task_from(row: Mapping[str, Any], *, tags: Mapping[str, str] | None = None) -> Task:
    """Return one row of DescribeReplicationTasks as a task."""
    return Task(
        identifier=row["ReplicationTaskIdentifier"],
        arn=row["ReplicationTaskArn"],
        status=row["Status"],
        migration_type=row.get("MigrationType", ""),
        source_endpoint_arn=row.get("SourceEndpointArn", ""),
        target_endpoint_arn=row.get("TargetEndpointArn", ""),
        instance_arn=row.get("ReplicationInstanceArn", ""),
        settings=_document(row.get("ReplicationTaskSettings")),
        mappings=_document(row.get("TableMappings")),
        stop_reason=row.get("StopReason") or "",
        last_failure=row.get("LastFailureMessage") or "",
        stats=_stats(row.get("ReplicationTaskStats") or {}),
        tags=tags or {},
    )


def _document(text: str | None) -> Mapping[str, Any]:
    return json.loads(text) if text else {}


def _stats(row: Mapping[str, Any]) -> LoadStats:
    return LoadStats(
        progress=row.get("FullLoadProgressPercent", 0),
        loaded=row.get("TablesLoaded", 0),
        loading=row.get("TablesLoading", 0),
        queued=row.get("TablesQueued", 0),
        errored=row.get("TablesErrored", 0),
        fresh_start=_time(row.get("FreshStartDate")),
        started=_time(row.get("StartDate")),
        stopped=_time(row.get("StopDate")),
        load_finished=_time(row.get("FullLoadFinishDate")),
    )


def _time(value: Any) -> str | None:
    return value.isoformat() if value else None


def read_tables(hook: CdcDmsHook, task_arn: str) -> tuple[TableStatistics, ...]:
    """Return the statistics of every table of a task."""
    return tuple(
        TableStatistics(
            schema=row["SchemaName"],
            table=row["TableName"],
            state=row.get("TableState", ""),
            load_rows=row.get("FullLoadRows", 0),
            load_error_rows=row.get("FullLoadErrorRows", 0),
            inserts=row.get("Inserts", 0),
            updates=row.get("Updates", 0),
            deletes=row.get("Deletes", 0),
        )
        for row in hook.table_statistics(task_arn)
    )


def running_tasks(hook: CdcDmsHook, filter_name: str, arn: str) -> tuple[str, ...]:
    """Return the tasks on an endpoint or an instance that a change of it would hit. ``filter_name``: endpoint-arn, …"""
    rows = hook.tasks(Filters=[{"Name": filter_name, "Values": [arn]}], WithoutSettings=True)
    busy = ("starting", "running", "stopping")
    return tuple(row["ReplicationTaskIdentifier"] for row in rows if row["Status"] in busy)
