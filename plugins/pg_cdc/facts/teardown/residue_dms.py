"""Read what a migration has left in DMS, whoever made it. Changes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pg_cdc.decisions import names
from pg_cdc.decisions.dms.assessment import is_run_name
from pg_cdc.decisions.teardown.dms import Found, Kind, is_ours, results_trace, trace
from pg_cdc.decisions.teardown.residue import Trace
from pg_cdc.facts.assessment import run_from

if TYPE_CHECKING:
    from pg_cdc.config import Migration
    from pg_cdc.config.teardown import Teardown
    from pg_cdc.hooks.dms import CdcDmsHook

Row = dict[str, Any]


def read_trace(hook: CdcDmsHook, kind: Kind, name: str, migration: Migration, teardown: Teardown) -> Trace:
    """Return the trace of one thing."""
    return trace(kind, name, find(hook, kind, name, migration.name), migration=migration.name, teardown=teardown)


def find(hook: CdcDmsHook, kind: Kind, name: str, migration: str) -> Found | None:
    """Return the thing of this name with its tags and its users; None: there is none."""
    return FINDERS[kind](hook, name, migration)


def assessment_names(hook: CdcDmsHook, migration: str) -> tuple[str, ...]:
    """Return the assessment runs of a migration's name; the task that they judged may be gone."""
    named = (row["AssessmentRunName"] for row in hook.assessment_runs())
    return tuple(sorted(name for name in named if is_run_name(migration, name)))


def assessment_traces(hook: CdcDmsHook, migration: Migration, teardown: Teardown) -> tuple[Trace, ...]:
    """Return a trace of each assessment run, and of the places where the results are."""
    names_found = assessment_names(hook, migration.name)
    traces = (read_trace(hook, Kind.ASSESSMENT_RUN, name, migration, teardown) for name in names_found)
    wanted = migration.assessment
    places = {f"s3://{wanted.bucket}/{wanted.folder}"} if wanted.bucket else set()
    places |= {run_from(row).place for row in hook.assessment_runs() if row["AssessmentRunName"] in names_found}
    return (*traces, *map(results_trace, sorted(places)))


def _assessment_run(hook: CdcDmsHook, name: str, migration: str) -> Found | None:
    row = hook.assessment_run(name)
    if row is None:
        return None
    arn = row["ReplicationTaskAssessmentRunArn"]
    return Found(kind=Kind.ASSESSMENT_RUN, name=name, arn=arn, status=row["Status"], tags=hook.tags(arn))


def _task(hook: CdcDmsHook, name: str, migration: str) -> Found | None:
    row = hook.task(name, settings=False)
    if row is None:
        return None
    arn = row["ReplicationTaskArn"]
    return Found(kind=Kind.TASK, name=name, arn=arn, status=row["Status"], tags=hook.tags(arn))


def _endpoint(hook: CdcDmsHook, name: str, migration: str) -> Found | None:
    row = hook.endpoint(name)
    if row is None:
        return None
    arn = row["EndpointArn"]
    return Found(
        kind=Kind.ENDPOINT,
        name=name,
        arn=arn,
        status=row.get("Status", ""),
        tags=hook.tags(arn),
        users=_tasks_on(hook, "endpoint-arn", arn, migration),
    )


def _instance(hook: CdcDmsHook, name: str, migration: str) -> Found | None:
    row = hook.instance(name)
    if row is None:
        return None
    arn = row["ReplicationInstanceArn"]
    return Found(
        kind=Kind.INSTANCE,
        name=name,
        arn=arn,
        status=row["ReplicationInstanceStatus"],
        tags=hook.tags(arn),
        users=_tasks_on(hook, "replication-instance-arn", arn, migration),
    )


def _subnet_group(hook: CdcDmsHook, name: str, migration: str) -> Found | None:
    row = hook.subnet_group(name)
    if row is None:
        return None
    # Its description has no ARN, and its tags are asked for by one.
    arn = f"arn:{hook.conn_partition}:dms:{hook.conn_region_name}:{hook.account_id}:subgrp:{name}"
    group = row["ReplicationSubnetGroupIdentifier"]
    return Found(
        kind=Kind.SUBNET_GROUP,
        name=name,
        arn=arn,
        status=row.get("SubnetGroupStatus", ""),
        tags=hook.tags(arn),
        users=tuple(_instances_in(hook, group, migration)),
    )


FINDERS = {
    Kind.ASSESSMENT_RUN: _assessment_run,
    Kind.TASK: _task,
    Kind.ENDPOINT: _endpoint,
    Kind.INSTANCE: _instance,
    Kind.SUBNET_GROUP: _subnet_group,
}


def _tasks_on(hook: CdcDmsHook, filter_name: str, arn: str, migration: str) -> tuple[str, ...]:
    """Return the tasks on an endpoint or an instance but our own, which is deleted first."""
    rows = hook.tasks(Filters=[{"Name": filter_name, "Values": [arn]}], WithoutSettings=True)
    ours = names.resource(migration)
    return tuple(
        f"task {row['ReplicationTaskIdentifier']}"
        for row in rows
        if row["ReplicationTaskIdentifier"] != ours or not is_ours(hook.tags(row["ReplicationTaskArn"]), migration)
    )


def _instances_in(hook: CdcDmsHook, group: str, migration: str) -> list[str]:
    """Return the replication instances in a subnet group but our own, if that is deleted first."""
    ours = names.resource(migration)
    rows = hook.read_all("describe_replication_instances", "ReplicationInstances")
    inside = [
        row["ReplicationInstanceIdentifier"]
        for row in rows
        if (row.get("ReplicationSubnetGroup") or {}).get("ReplicationSubnetGroupIdentifier") == group
    ]
    return [f"replication instance {one}" for one in inside if one != ours or not _goes(hook, one, migration)]


def _goes(hook: CdcDmsHook, instance: str, migration: str) -> bool:
    found = _instance(hook, instance, migration)
    return found is None or (is_ours(found.tags, migration) and not found.users)
