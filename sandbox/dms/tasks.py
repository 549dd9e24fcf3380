"""Replication tasks: what may be done with them, and when."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from sandbox.api.errors import AwsError
from sandbox.dms import durations
from sandbox.dms.connections import Connections
from sandbox.dms.engine.clock import now
from sandbox.dms.filters import chosen, identifier, paged
from sandbox.dms.lake_endpoints import ENGINE, check_lake_task
from sandbox.dms.mappings import parse_mappings
from sandbox.dms.runs import Runs
from sandbox.dms.settings import merged
from sandbox.dms.statistics import checkpoint, task_statistics
from sandbox.dms.tags import checked
from sandbox.dms.world import Resource, World

FILTERS = {
    "replication-task-arn": lambda t: t.arn,
    "replication-task-id": lambda t: t.key,
    "migration-type": lambda t: t.shape["MigrationType"],
    "endpoint-arn": lambda t: [t.shape["SourceEndpointArn"], t.shape["TargetEndpointArn"]],
    "replication-instance-arn": lambda t: t.shape["ReplicationInstanceArn"],
}
KINDS = ("full-load", "cdc", "full-load-and-cdc")
POSITION = re.compile(r"[0-9A-F]{1,8}/[0-9A-F]{1,8}|checkpoint:V1#\d+#[0-9A-F]{1,8}/[0-9A-F]{1,8}#.*")
IDLE = ("ready", "stopped", "failed")
NOT_TESTED = (
    "Test connection for replication instance {instance} and endpoint {endpoint} should be successful for starting "
    "the replication task"
)
CANNOT_MODIFY = (
    "Replication Task, excluding logging severity task settings, cannot be modified while it is {status} state"
)


class Tasks:
    """Create, describe, modify, start, stop, delete."""

    def __init__(self, world: World, connections: Connections, runs: Runs) -> None:
        self._world = world
        self._connections = connections
        self._runs = runs

    def create_replication_task(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Make a task; nothing is contacted before it starts."""
        world = self._world
        name = identifier(parameters["ReplicationTaskIdentifier"], "ReplicationTaskIdentifier")
        if name in world.tasks:
            raise AwsError("ResourceAlreadyExistsFault", f"Replication Task {name} already exists.")
        _check_kind(parameters)
        parse_mappings(parameters["TableMappings"])
        settings = merged(parameters.get("ReplicationTaskSettings"))
        self._check_parts(parameters)
        self._check_for_target(parameters["TargetEndpointArn"], settings)
        arn = world.arn("task", parameters.get("ResourceIdentifier"))
        copied = ("SourceEndpointArn", "TargetEndpointArn", "ReplicationInstanceArn", "MigrationType", "TableMappings")
        optional = ("CdcStartPosition", "TaskData")
        shape = {
            "ReplicationTaskIdentifier": name,
            "ReplicationTaskArn": arn,
            **{key: parameters[key] for key in copied},
            **{key: parameters[key] for key in optional if parameters.get(key)},
            "ReplicationTaskSettings": json.dumps(settings),
            "ReplicationTaskCreationDate": now(),
        }
        task = Resource(name, arn, shape)
        task.tags = checked(parameters.get("Tags"))
        world.move(task, "creating", "ready", durations.TASK_CREATING)
        world.tasks[name] = task
        return {"ReplicationTask": _described(task)}

    def describe_replication_tasks(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Describe tasks, with or without their settings."""
        found = chosen(self._world.tasks.values(), parameters, FILTERS, "Tasks")
        rows = [_described(task, settings=not parameters.get("WithoutSettings")) for task in found]
        return paged(rows, parameters, "ReplicationTasks")

    def modify_replication_task(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Change an idle task. Its endpoints and its migration type stay."""
        task = self._task(parameters)
        if task.status not in IDLE:
            raise AwsError("InvalidResourceStateFault", CANNOT_MODIFY.format(status=task.status))
        if parameters.get("MigrationType", task.shape["MigrationType"]) != task.shape["MigrationType"]:
            raise AwsError("InvalidParameterValueException", "The migration type of a task cannot be changed.")
        if parameters.get("TableMappings"):
            parse_mappings(parameters["TableMappings"])
            task.shape["TableMappings"] = parameters["TableMappings"]
        if parameters.get("ReplicationTaskSettings"):
            before = json.loads(task.shape["ReplicationTaskSettings"])
            settings = merged(parameters["ReplicationTaskSettings"], before)
            self._check_for_target(task.shape["TargetEndpointArn"], settings)
            task.shape["ReplicationTaskSettings"] = json.dumps(settings)
        _check_positions(parameters)
        for key in ("CdcStartPosition", "TaskData"):
            if parameters.get(key):
                task.shape[key] = parameters[key]
        self._rename(task, parameters.get("ReplicationTaskIdentifier"))
        self._world.move(task, "modifying", task.status, durations.TASK_MODIFYING)
        return {"ReplicationTask": _described(task)}

    def start_replication_task(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Start an idle task whose connections were tested."""
        task = self._task(parameters)
        if task.status not in IDLE:
            raise AwsError("InvalidResourceStateFault", "Replication Task cannot be started, invalid state")
        _check_start(task, parameters)
        for side in ("SourceEndpointArn", "TargetEndpointArn"):
            instance, endpoint = task.shape["ReplicationInstanceArn"], task.shape[side]
            if not self._connections.successful(endpoint, instance):
                raise AwsError("InvalidResourceStateFault", NOT_TESTED.format(instance=instance, endpoint=endpoint))
        if parameters.get("CdcStartPosition"):
            task.shape["CdcStartPosition"] = parameters["CdcStartPosition"]
        self._runs.launch(task, fresh=parameters["StartReplicationTaskType"] != "resume-processing")
        return {"ReplicationTask": _described(task)}

    def stop_replication_task(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Stop a running task; its slot stays, and WAL piles up behind it."""
        task = self._task(parameters)
        if task.status != "running":
            raise AwsError("InvalidResourceStateFault", f"Replication Task {task.arn} is currently not running")
        self._runs.stop(task)
        return {"ReplicationTask": _described(task)}

    def delete_replication_task(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Delete a task that is not at work, and the slot it made."""
        task = self._task(parameters)
        if task.status not in IDLE:
            raise AwsError(
                "InvalidResourceStateFault", f"Replication Task {task.arn} cannot be deleted, it is {task.status}"
            )
        self._runs.delete(task)
        return {"ReplicationTask": _described(task)}

    def _task(self, parameters: Mapping[str, Any]) -> Resource:
        return self._world.find("tasks", parameters["ReplicationTaskArn"], "Replication Task")

    def _check_for_target(self, arn: str, settings: Mapping[str, Any]) -> None:
        if self._world.find("endpoints", arn, "Endpoint").shape["EngineName"] == ENGINE:
            check_lake_task(settings)

    def _check_parts(self, parameters: Mapping[str, Any]) -> None:
        instance = self._world.find("instances", parameters["ReplicationInstanceArn"], "Replication Instance")
        if instance.status != "available":
            raise AwsError("InvalidResourceStateFault", f"Replication Instance {instance.arn} is not active.")
        for side in ("Source", "Target"):
            endpoint = self._world.find("endpoints", parameters[f"{side}EndpointArn"], "Endpoint")
            if endpoint.shape["EndpointType"] != side.upper():
                raise AwsError(
                    "InvalidParameterValueException",
                    f"{side} endpoint {endpoint.arn} is invalid: the {side.lower()} endpoint must be of type "
                    f"{side.upper()}",
                )
            if endpoint.status != "active":
                raise AwsError("InvalidResourceStateFault", f"Endpoint {endpoint.arn} is {endpoint.status}.")

    def _rename(self, task: Resource, wanted: str | None) -> None:
        if not wanted or wanted.lower() == task.key:
            return
        name = identifier(wanted, "ReplicationTaskIdentifier")
        if name in self._world.tasks:
            raise AwsError("ResourceAlreadyExistsFault", f"Replication Task {name} already exists.")
        self._world.tasks[name] = self._world.tasks.pop(task.key)
        task.key = task.shape["ReplicationTaskIdentifier"] = name


def _check_kind(parameters: Mapping[str, Any]) -> None:
    if parameters["MigrationType"] not in KINDS:
        raise AwsError("InvalidParameterValueException", f"Invalid migration type: {parameters['MigrationType']}")
    _check_positions(parameters)


def _check_positions(parameters: Mapping[str, Any]) -> None:
    if parameters.get("CdcStartTime"):
        raise AwsError("InvalidParameterValueException", "CdcStartTime is not supported for this source engine.")
    if parameters.get("CdcStopPosition"):
        raise AwsError("SandboxNotImplemented", "The sandbox's DMS does not do CdcStopPosition.", status=501)
    given = parameters.get("CdcStartPosition")
    if given and not POSITION.fullmatch(given):
        raise AwsError("InvalidParameterValueException", f"Invalid CdcStartPosition: {given}")


def _check_start(task: Resource, parameters: Mapping[str, Any]) -> None:
    kind, history = parameters["StartReplicationTaskType"], task.progress is not None and task.progress.fresh_start
    _check_positions(parameters)
    again_from_position = task.shape["MigrationType"] == "cdc" and parameters.get("CdcStartPosition")
    wrong = {
        "start-replication": bool(history) and not again_from_position,
        "resume-processing": not history,
        "reload-target": not history or task.shape["MigrationType"] == "cdc",
    }
    if kind not in wrong:
        raise AwsError("InvalidParameterValueException", f"Invalid start type: {kind}")
    if wrong[kind]:
        word = kind.upper().replace("-", "_")
        rule = "valid only for tasks running for the first time" if history else "invalid for a task that never ran"
        raise AwsError("InvalidParameterCombinationException", f"Start Type : {word}, {rule}")


def _described(task: Resource, *, settings: bool = True) -> dict[str, Any]:
    shape = dict(task.shape)
    if not settings:
        shape.pop("ReplicationTaskSettings")
    if task.progress:
        ended = task.status in ("stopped", "failed", "deleting")
        shape["ReplicationTaskStats"] = task_statistics(task.progress, ended=ended)
        point = checkpoint(task.progress.position)
        if point:
            shape["RecoveryCheckpoint"] = point
    return shape
