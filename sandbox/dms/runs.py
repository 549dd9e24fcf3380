"""The threads that do the tasks' work, and what they tell of it."""

from __future__ import annotations

import json
import threading
import time
from typing import Any

from sandbox.api.errors import AwsError
from sandbox.dms import durations
from sandbox.dms.endpoints import extra_attributes
from sandbox.dms.engine.clock import now
from sandbox.dms.engine.job import Job
from sandbox.dms.engine.lake_target import LakeTarget
from sandbox.dms.engine.opening import drop_old_slot
from sandbox.dms.engine.progress import Progress
from sandbox.dms.engine.servers import Address
from sandbox.dms.engine.task_run import TaskRun
from sandbox.dms.lake_endpoints import ENGINE
from sandbox.dms.mappings import parse_mappings
from sandbox.dms.world import Resource, World

FAILURE = "Last Error  {text} Stop Reason FATAL_ERROR Error Level FATAL"


class Runs:
    """One thread per running task, by the task's ARN."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._threads: dict[str, TaskRun] = {}

    def launch(self, task: Resource, *, fresh: bool) -> None:
        """Start a task's work. ``fresh``: from the beginning."""
        job = self._job(task, fresh=fresh or _never_opened(task))
        progress = task.progress = task.progress or Progress()
        progress.start = now()
        for name in ("StopReason", "LastFailureMessage"):
            task.shape.pop(name, None)
        task.shape["ReplicationTaskStartDate"] = progress.start
        task.status = "starting"
        run = TaskRun(
            job,
            progress,
            running=lambda: self._running(task),
            ended=lambda status, reason: self._ended(task, status, reason),
        )
        self._threads[task.arn] = run
        run.start()

    def stop(self, task: Resource) -> None:
        """Ask a task's thread to end; the slot stays."""
        task.status = "stopping"
        self._threads[task.arn].stop()

    def reload(self, task: Resource) -> None:
        """Ask a task's thread to look at its tables again."""
        self._threads[task.arn].reload()

    def delete(self, task: Resource) -> None:
        """Remove a task in its own time, with the slot it made."""
        task.status = "deleting"
        threading.Thread(target=self._clean_up, args=(task,), name="dms-delete", daemon=True).start()

    def end(self) -> None:
        """End every thread."""
        threads = list(self._threads.values())
        for thread in threads:
            thread.stop()
        for thread in threads:
            thread.join(timeout=10)

    def _job(self, task: Resource, *, fresh: bool) -> Job:
        world, shape = self._world, task.shape
        source = world.find("endpoints", shape["SourceEndpointArn"], "Endpoint")
        target = world.find("endpoints", shape["TargetEndpointArn"], "Endpoint")
        return Job(
            name=task.arn.rpartition(":")[2],
            source=self._address(source),
            target=self._target(target),
            source_settings=_settings_of(source),
            target_settings=_settings_of(target),
            rules=parse_mappings(shape["TableMappings"]),
            kind=shape["MigrationType"],
            settings=json.loads(shape["ReplicationTaskSettings"]),
            fresh=fresh,
            start_position=shape.get("CdcStartPosition"),
            pace=world.pace,
            log=lambda line: world.log(task.key, line),
        )

    def _target(self, endpoint: Resource) -> Address | LakeTarget:
        if endpoint.shape["EngineName"] == ENGINE:
            return LakeTarget(endpoint.shape["S3Settings"], self._world.buckets, self._world.pace)
        return self._address(endpoint)

    def _address(self, endpoint: Resource) -> Address:
        try:
            return Address.of(endpoint, self._world.secret)
        except LookupError as error:
            raise AwsError(
                "InvalidParameterValueException", f"The secret of {endpoint.key} is unusable: {error}"
            ) from None

    def _running(self, task: Resource) -> None:
        with self._world.lock:
            if task.status == "starting":
                task.status = "running"

    def _ended(self, task: Resource, status: str, reason: str) -> None:
        if task.status == "stopping":
            time.sleep(durations.TASK_STOPPING * self._world.pace)
        with self._world.lock:
            if task.progress:
                task.progress.stop = now()
            if status == "failed":
                task.shape["StopReason"] = task.shape["LastFailureMessage"] = FAILURE.format(text=reason)
            else:
                task.shape["StopReason"] = f"Stop Reason {reason}"
            task.status = status

    def _clean_up(self, task: Resource) -> None:
        time.sleep(durations.TASK_DELETING * self._world.pace)
        if task.progress and task.progress.slot_made:
            self._drop_slot(task, task.progress)
        with self._world.lock:
            self._world.tasks.pop(task.key, None)
            self._threads.pop(task.arn, None)

    def _drop_slot(self, task: Resource, progress: Progress) -> None:
        """Drop the slot the task made. DMS forgets a task whose source it cannot reach; the slot is then left over."""
        slot = progress.slot
        try:
            if task.private.get("source_out_of_sight"):
                raise ConnectionError("the source is out of sight")
            source = self._world.find("endpoints", task.shape["SourceEndpointArn"], "Endpoint")
            drop_old_slot(self._address(source), progress)
        except Exception as error:
            self._world.log(task.key, f"slot {slot} is left on the source: {type(error).__name__}: {error}")


def _never_opened(task: Resource) -> bool:
    """Tell whether earlier starts failed before there was anything to resume."""
    progress = task.progress
    return progress is None or not progress.tables or (task.shape["MigrationType"] != "full-load" and not progress.slot)


def _settings_of(endpoint: Resource) -> dict[str, Any]:
    """Return the endpoint's settings, extra connection attributes over them."""
    settings = dict(endpoint.private["settings"])
    for name, value in extra_attributes(endpoint.shape.get("ExtraConnectionAttributes")).items():
        text = value.lower()
        settings[name] = text == "true" if text in ("true", "false") else int(value) if value.isdigit() else value
    settings["PluginName"] = str(settings.get("PluginName", "no-preference")).lower().replace("_", "-")
    return settings
