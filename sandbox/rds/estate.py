"""What exists: clusters, instances, groups, tags. The base that every family of actions works on."""

from __future__ import annotations

import re
import secrets
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import product
from typing import Any

from sandbox.api.errors import AwsError, NotInSandbox
from sandbox.postgres.server import Server
from sandbox.postgres.site import Site
from sandbox.rds.assumptions import Assumptions
from sandbox.rds.engines import AURORA, ENGINES, family_of
from sandbox.rds.states import Jobs, Status

IDENTIFIER = re.compile(r"[a-zA-Z](?:[a-zA-Z0-9]|-(?=[a-zA-Z0-9])){0,62}")
TAG_LIMIT = 50


@dataclass(kw_only=True)
class Group:
    """A parameter group. ``cluster``: a DB cluster parameter group. ``values`` and ``methods``: what users set."""

    name: str
    family: str
    cluster: bool
    description: str
    arn: str
    values: dict[str, str] = field(default_factory=dict)
    methods: dict[str, str] = field(default_factory=dict)


@dataclass(kw_only=True)
class Instance:
    """A DB instance. ``running``: the parameter values its server was started with, plus dynamic changes since."""

    identifier: str
    engine: str
    version: str
    klass: str
    arn: str
    status: Status
    server: Server
    group: str
    master: str
    password: str = field(repr=False)
    database: str | None = None
    cluster: str | None = None
    replica_of: str | None = None
    writer: bool = True
    apply_status: str = "in-sync"
    cluster_apply_status: str = "in-sync"
    running: dict[str, str] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)
    resource_id: str = field(default_factory=lambda: "db-" + secrets.token_hex(13).upper())
    created: datetime = field(default_factory=lambda: datetime.now(UTC))
    hands: threading.RLock = field(default_factory=threading.RLock, repr=False)

    @property
    def usable(self) -> bool:
        """Tell whether a server was ever made for it."""
        return self.status.value not in ("creating", "failed")


@dataclass(kw_only=True)
class Cluster:
    """A DB cluster, of Aurora or a Multi-AZ one of RDS. ``port``: that of its writer."""

    identifier: str
    engine: str
    version: str
    arn: str
    status: Status
    group: str
    master: str
    password: str = field(repr=False)
    port: int
    database: str | None = None
    options: dict[str, Any] = field(default_factory=dict)
    resource_id: str = field(default_factory=lambda: "cluster-" + secrets.token_hex(13).upper())
    created: datetime = field(default_factory=lambda: datetime.now(UTC))


@dataclass(frozen=True)
class Network:
    """The default subnet group: ``subnets`` as (id, availability zone)."""

    vpc: str
    subnets: Sequence[tuple[str, str]]
    security_group: str


class Estate:
    """The state behind the API. ``lock`` is held while it is read or changed, never while a server is worked on."""

    name = "rds"

    def __init__(
        self,
        site: Site,
        *,
        region: str,
        account: str,
        pace: float,
        network: Callable[[], Network],
        assumptions: Assumptions | None = None,
    ) -> None:
        self.site = site
        self.region = region
        self.account = account
        self.jobs = Jobs(pace)
        self.network = network
        self.assumptions = assumptions or Assumptions()
        self.lock = threading.RLock()
        self.instances: dict[str, Instance] = {}
        self.clusters: dict[str, Cluster] = {}
        self.groups: dict[tuple[bool, str], Group] = {}
        self.tags: dict[str, dict[str, str]] = {}
        for engine, version in product(ENGINES, site.versions):
            family = family_of(engine, version)
            for cluster in (False, True):
                self._add_group(f"default.{family}", family, cluster, f"Default parameter group for {family}")

    def arn(self, kind: str, name: str) -> str:
        """Return the ARN of a resource: ``kind`` is db, cluster, pg, cluster-pg or subgrp."""
        return f"arn:aws:rds:{self.region}:{self.account}:{kind}:{name}"

    def status(self, value: str) -> Status:
        """Return a new status at the sandbox's pace."""
        return Status(self.jobs.pace, value)

    def _add_group(self, name: str, family: str, cluster: bool, description: str) -> Group:
        arn = self.arn("cluster-pg" if cluster else "pg", name)
        group = Group(name=name, family=family, cluster=cluster, description=description, arn=arn)
        self.groups[cluster, name] = group
        return group

    def find_instance(self, identifier: str) -> Instance:
        """Return the instance of this identifier or ARN."""
        name = identifier.rpartition(":")[2].lower()
        if name not in self.instances:
            raise AwsError("DBInstanceNotFound", f"DBInstance {name} not found.", status=404)
        return self.instances[name]

    def find_cluster(self, identifier: str) -> Cluster:
        """Return the cluster of this identifier or ARN."""
        name = identifier.rpartition(":")[2].lower()
        if name not in self.clusters:
            raise AwsError("DBClusterNotFoundFault", f"DBCluster {name} not found.", status=404)
        return self.clusters[name]

    def members(self, cluster: str) -> list[Instance]:
        """Return the instances of a cluster, the writer first."""
        found = [instance for instance in self.instances.values() if instance.cluster == cluster]
        return sorted(found, key=lambda instance: not instance.writer)

    def replicas(self, identifier: str) -> list[Instance]:
        """Return the read replicas of an instance."""
        return [instance for instance in self.instances.values() if instance.replica_of == identifier]

    def primaries(self) -> list[tuple[str, Callable[[], Any]]]:
        """Return every running server that takes writes, with the way to connect to it."""
        with self.lock:
            ready = [one for one in self.instances.values() if one.usable and one.server.standby_of is None]
            running = [one for one in ready if one.server.pid and not one.server.unreachable]
            return [(f"{one.identifier}:{one.server.port}", one.server.connect) for one in running]


def allocated(instance: Instance) -> int:
    """Return the storage of an instance, in GiB; Aurora's volume has no size of its own."""
    return 1 if instance.engine == AURORA else int(instance.options.get("AllocatedStorage") or 20)


def checked_identifier(text: str, what: str) -> str:
    """Return ``text`` in lower case. :raises AwsError: AWS does not take it."""
    if not IDENTIFIER.fullmatch(text or ""):
        raise AwsError(
            "InvalidParameterValue",
            f"The parameter {what} is not a valid identifier. Identifiers must begin with a letter; must contain only "
            "ASCII letters, digits, and hyphens; and must not end with a hyphen or contain two consecutive hyphens.",
        )
    return text.lower()


def only(parameters: Mapping[str, Any], action: str, *known: Iterable[str]) -> None:
    """Refuse a parameter that the sandbox would have to ignore."""
    accepted = {name for names in known for name in names}
    for name in parameters:
        if name not in accepted:
            raise NotInSandbox("rds", f"{action} with {name}")
