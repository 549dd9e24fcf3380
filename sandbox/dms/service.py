"""Database Migration Service: its actions, each in the part that owns the subject."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from sandbox.api.errors import AwsError
from sandbox.buckets import Buckets
from sandbox.dms.assessments import Assessments
from sandbox.dms.catalogue import Catalogue
from sandbox.dms.connections import Connections
from sandbox.dms.endpoints import Endpoints
from sandbox.dms.instances import Instances
from sandbox.dms.runs import Runs
from sandbox.dms.statistics import Statistics
from sandbox.dms.subnet_groups import SubnetGroups
from sandbox.dms.tags import Tags
from sandbox.dms.tasks import Tasks
from sandbox.dms.world import World

ACTIONS = tuple(
    f"{verb}_"
    for verb in (
        "create",
        "describe",
        "modify",
        "delete",
        "start",
        "stop",
        "reboot",
        "reload",
        "add",
        "remove",
        "list",
        "test",
    )
)


class DmsService:
    """DMS in one account and region. ``secret``: reads a secret's JSON by ARN or name. ``buckets``: S3, to write to."""

    name = "dms"

    def __init__(
        self,
        *,
        region: str,
        account: str,
        pace: float,
        directory: Path,
        secret: Callable[[str], Mapping[str, Any]],
        buckets: Buckets,
    ) -> None:
        self._world = World(
            region=region, account=account, pace=pace, directory=directory, secret=secret, buckets=buckets
        )
        self._runs = Runs(self._world)
        self._assessments = Assessments(self._world)
        connections = Connections(self._world)
        self._parts = (
            SubnetGroups(self._world),
            Instances(self._world, self._runs.reload),
            connections,
            Endpoints(self._world, connections.retest),
            Tasks(self._world, connections, self._runs),
            Statistics(self._world, self._runs),
            self._assessments,
            Tags(self._world),
            Catalogue(self._world),
        )

    def __getattr__(self, action: str) -> Callable[[Mapping[str, Any]], dict[str, Any]]:
        if action.startswith(ACTIONS):
            for part in self._parts:
                handler = getattr(part, action, None)
                if handler is not None:
                    return lambda parameters: self._call(handler, parameters)
        raise AttributeError(action)

    def lose_sight_of_source(self, task: str) -> None:
        """Let DMS not reach the source of ``task`` when it is deleted: its slot is then left there."""
        with self._world.lock:
            found = self._world.tasks.get(task.lower())
            if found is None:
                raise AwsError("ResourceNotFoundFault", f"Replication Task {task} not found.")
            found.private["source_out_of_sight"] = True

    def stop(self) -> None:
        """End every task's thread; the slots stay where they are."""
        self._assessments.end()
        self._runs.end()

    def _call(self, handler: Callable[[Mapping[str, Any]], dict[str, Any]], parameters: Mapping[str, Any]) -> Any:
        with self._world.lock:
            self._world.settle()
            return copy.deepcopy(handler(parameters))
