"""The facts that decisions work on: what was read from AWS and from PostgreSQL. Data only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Engine(StrEnum):
    """What kind of database the identifier names."""

    AURORA = "aurora-postgresql"
    RDS = "postgres"


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """One row of DescribeDB(Cluster)Parameters. ``value`` None: unset. ``apply_type``: static or dynamic."""

    name: str
    value: str | None
    source: str
    apply_type: str
    data_type: str = "string"
    allowed_values: str | None = None
    modifiable: bool = True


@dataclass(frozen=True, kw_only=True)
class ParameterGroup:
    """A DB cluster parameter group (``cluster``) or a DB parameter group. ``users``: databases attached to it."""

    name: str
    family: str
    cluster: bool
    arn: str = ""
    users: tuple[str, ...] = ()
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_default(self) -> bool:
        """Tell whether AWS owns the group: such a group cannot be modified."""
        return self.name.startswith("default.")


@dataclass(frozen=True, kw_only=True)
class Member:
    """One DB instance. The apply statuses are AWS's words; ``cluster_apply_status`` is None outside of a cluster."""

    identifier: str
    arn: str
    writer: bool
    status: str
    host: str
    port: int
    instance_class: str
    parameter_group: str
    apply_status: str
    cluster_apply_status: str | None = None

    @property
    def pending_reboot(self) -> bool:
        """Tell whether either group waits for a reboot of this instance."""
        return "pending-reboot" in (self.apply_status, self.cluster_apply_status)


@dataclass(frozen=True, kw_only=True)
class Database:
    """An Aurora cluster, a Multi-AZ DB cluster or an RDS instance, as RDS describes it. ``host``: its writer's.

    ``backup_days``: how long automated backups are kept; 0: there are none.
    """

    identifier: str
    engine: Engine
    version: str
    status: str
    arn: str
    host: str
    port: int
    master_user: str
    members: tuple[Member, ...]
    cluster_parameter_group: str | None = None
    replica_of: str | None = None
    replicas: tuple[str, ...] = ()
    backup_days: int = 1
    subnet_ids: tuple[str, ...] = ()
    security_group_ids: tuple[str, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def major(self) -> int:
        """Return the PostgreSQL major version."""
        return int(self.version.split(".")[0])

    @property
    def is_cluster(self) -> bool:
        """Tell whether it has a DB cluster parameter group, which then holds what is set."""
        return self.cluster_parameter_group is not None

    @property
    def reboots_as_one(self) -> bool:
        """Tell whether it is a Multi-AZ DB cluster: its instances are rebooted together, by RebootDBCluster."""
        return self.is_cluster and self.engine is Engine.RDS

    @property
    def writer(self) -> Member:
        """Return the one instance that takes writes."""
        return next(member for member in self.members if member.writer)

    @property
    def readers(self) -> tuple[Member, ...]:
        """Return the other instances."""
        return tuple(member for member in self.members if not member.writer)


@dataclass(frozen=True, kw_only=True)
class Replica:
    """A read replica of an RDS instance. ``sizes``: what its group says of them. ``unread``: why nothing is known."""

    identifier: str
    status: str = ""
    instance_class: str = ""
    parameter_group: str = ""
    apply_status: str = "in-sync"
    sizes: Mapping[str, str | None] = field(default_factory=dict)
    unread: str = ""

    @property
    def pending_reboot(self) -> bool:
        """Tell whether its group waits for a reboot of it."""
        return self.apply_status == "pending-reboot"


@dataclass(frozen=True, kw_only=True)
class Slot:
    """One row of pg_replication_slots. ``retained_bytes``: WAL held back."""

    name: str
    plugin: str | None
    slot_type: str
    database: str | None
    active: bool
    wal_status: str | None = None
    retained_bytes: int | None = None
    confirmed_flush_lsn: str | None = None
    temporary: bool = False


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table of the source. ``identity``: pg_class.relreplident; ``kind``: pg_class.relkind."""

    schema: str
    name: str
    kind: str = "r"
    has_primary_key: bool = True
    identity: str = "d"
    bytes: int = 0
    estimated_rows: int = 0
    partition_of: str | None = None
    persistence: str = "p"


@dataclass(frozen=True, kw_only=True)
class OpenTransaction:
    """A transaction that delays a slot: ``kind`` is ``prepared`` or ``long``."""

    kind: str
    identity: str
    seconds: int


@dataclass(frozen=True, kw_only=True)
class Server:
    """What the source itself says. ``settings``: pg_settings names to values as SHOW prints them.

    ``raw_settings``: the same as parameter groups have them, in the setting's own unit.
    """

    version_num: int
    in_recovery: bool
    current_user: str
    admin_roles: tuple[str, ...]
    postmaster_started: str
    system_identifier: str
    settings: Mapping[str, str]
    slots: tuple[Slot, ...]
    wal_senders_used: int
    available_extensions: tuple[str, ...]
    installed_extensions: tuple[str, ...]
    raw_settings: Mapping[str, str] = field(default_factory=dict)
    open_transactions: tuple[OpenTransaction, ...] = ()
    schemas: tuple[str, ...] = ()
    event_triggers: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One preflight result. ``severity``: ``error`` stops the run, ``warning`` and ``note`` do not.

    ``unknown``: it could not be checked, and that stops the run too.
    """

    code: str
    severity: str
    subject: str
    found: str
    expected: str
    cure: str
