"""What DMS remembers: resources with states that take time."""

from __future__ import annotations

import secrets
import string
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sandbox.api.errors import AwsError
from sandbox.buckets import Buckets
from sandbox.dms.engine.clock import now
from sandbox.dms.engine.progress import Progress

KINDS = ("subnet_groups", "instances", "endpoints", "connections", "tasks", "assessment_runs")
ALPHABET = string.ascii_uppercase + "234567"


@dataclass
class Resource:
    """One DMS resource. ``shape``: as describe answers it; ``private``: what describe never shows.

    ``becomes``: the status it reaches at ``becomes_at`` (epoch seconds); ``gone`` removes it.
    """

    key: str
    arn: str
    shape: dict[str, Any]
    status_field: str = "Status"
    private: dict[str, Any] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    becomes: str | None = None
    becomes_at: float = 0.0
    progress: Progress | None = None

    @property
    def status(self) -> str:
        """Return the AWS status word."""
        return str(self.shape[self.status_field])

    @status.setter
    def status(self, word: str) -> None:
        self.shape[self.status_field] = word

    def settle(self, now: float) -> bool:
        """Take the step that is due; tell whether the resource is still there."""
        if self.becomes is None or now < self.becomes_at:
            return True
        word, self.becomes = self.becomes, None
        if word == "gone":
            return False
        self.status = word
        return True


class World:
    """The account's DMS resources in one region, and what they were told about their surroundings."""

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
        self.region = region
        self.account = account
        self.pace = pace
        self.secret = secret
        self.buckets = buckets
        self.lock = threading.RLock()
        self._directory = directory
        for kind in KINDS:
            setattr(self, kind, {})

    subnet_groups: dict[str, Resource]
    instances: dict[str, Resource]
    endpoints: dict[str, Resource]
    connections: dict[str, Resource]
    tasks: dict[str, Resource]
    assessment_runs: dict[str, Resource]

    def arn(self, kind: str, identifier: str | None = None) -> str:
        """Return a new ARN: its suffix is random, never the name, unless ``identifier`` overrides it."""
        suffix = identifier or "".join(secrets.choice(ALPHABET) for _ in range(39))
        return f"arn:aws:dms:{self.region}:{self.account}:{kind}:{suffix}"

    def move(self, resource: Resource, now_word: str, then: str, seconds: float) -> None:
        """Put ``resource`` in state ``now_word`` for ``seconds`` of AWS time, then in ``then``."""
        resource.status = now_word
        resource.becomes = then
        resource.becomes_at = time.time() + seconds * self.pace

    def settle(self) -> None:
        """Let every resource take the step that is due."""
        now = time.time()
        for kind in KINDS:
            found: dict[str, Resource] = getattr(self, kind)
            for key in [key for key, resource in found.items() if not resource.settle(now)]:
                del found[key]

    def find(self, kind: str, arn: str, what: str) -> Resource:
        """Return the resource of that ARN, or refuse."""
        found: dict[str, Resource] = getattr(self, kind)
        for resource in found.values():
            if resource.arn == arn:
                return resource
        raise AwsError("ResourceNotFoundFault", f"{what} {arn} not found.")

    def every(self) -> list[Resource]:
        """Return all resources that have an ARN of their own."""
        return [r for kind in KINDS if kind != "connections" for r in getattr(self, kind).values()]

    def log(self, task: str, line: str) -> None:
        """Add a line to a task's log, a file in the sandbox's directory."""
        with self.lock, (self._directory / "dms-tasks.log").open("a") as file:
            file.write(f"{now().isoformat(timespec='milliseconds')} {task} {line}\n")
