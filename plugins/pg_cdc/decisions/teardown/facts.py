"""What is read in PostgreSQL before a teardown removes anything. Data only; the defaults are an empty end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pg_cdc.decisions.ddl_audit import AuditState
from pg_cdc.decisions.dms.streaming import LedgerRow
from pg_cdc.decisions.lease import Lease
from pg_cdc.decisions.world import Slot

OWN_KINDS = frozenset({"dms-task", "native-subscription", "pglogical-subscription"})
"""Owner kinds in the ledger that the steps of a migration write, by DMS or by native replication."""

NO_AUDIT = AuditState(
    table_owner=None,
    columns=(),
    public_may_write=False,
    function_owner=None,
    body=None,
    definer=None,
    settings=(),
    public_may_execute=False,
    trigger_enabled=None,
    trigger_event=None,
    trigger_schema=None,
    trigger_function=None,
)


@dataclass(frozen=True, kw_only=True)
class Artifacts:
    """The schema of the DDL audit. ``owner`` None: not there. ``strangers``: what in it is not of our names."""

    owner: str | None = None
    comment: str | None = None
    heartbeat_owner: str | None = None
    strangers: tuple[str, ...] = ()
    other_triggers: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Pglogical:
    """The extension and its schema, which outlives it. None: not there."""

    version: str | None = None
    schema: str | None = None
    comment: str | None = None
    nodes: tuple[str, ...] = ()
    sets: tuple[str, ...] = ()
    subscriptions: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class RoleUse:
    """The DMS role. ``owns``: here, besides our objects. ``databases``: others where it owns or may do something.

    ``rights``: the schemas here in which it was granted something.
    """

    exists: bool = False
    comment: str | None = None
    owns: tuple[str, ...] = ()
    databases: tuple[str, ...] = ()
    rights: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ControlSchema:
    """Schema pgcdc of one database. ``owner`` None: not there. ``rows``: table to migration to number of rows."""

    owner: str | None = None
    tables: tuple[str, ...] = ()
    strangers: tuple[str, ...] = ()
    rows: Mapping[str, Mapping[str, int]] = field(default_factory=dict)

    def migrations(self) -> frozenset[str]:
        """Return the migrations that have this database as their source.

        A marker may be the copy of another source's, and old parameter values can outlive their migration.
        """
        return frozenset(
            migration
            for table in ("slot_owner", "reboot")
            for migration, rows in self.rows.get(table, {}).items()
            if rows and migration
        )

    def count(self, table: str, migration: str) -> int:
        """Return how many rows a migration has in a table."""
        return self.rows.get(table, {}).get(migration, 0)


@dataclass(frozen=True, kw_only=True)
class Neighbour:
    """Another database of the same server. ``slots``: slot to the migration that its ledger gives it to.

    ``why``: why it could not be looked into.
    """

    database: str
    migrations: frozenset[str] = frozenset()
    slots: Mapping[str, str] = field(default_factory=dict)
    why: str = ""

    @property
    def told(self) -> str:
        """Return who is there, in words; empty: nobody."""
        if self.why:
            return f"whoever uses database {self.database}, which could not be looked into ({self.why})"
        return f"{_migrations(self.migrations)} of database {self.database}" if self.migrations else ""


@dataclass(frozen=True, kw_only=True)
class OtherEndpoint:
    """A DMS endpoint that is not this migration's, on the same server. ``here``: in the same database."""

    identifier: str
    here: bool
    uses_role: bool


@dataclass(frozen=True, kw_only=True)
class SourceState:
    """Everything that a teardown can find on the source. ``run``: this run's name in the lease.

    ``database_gone``: the server has no such database. ``parameters_stay``: why they are not set back, in words.
    ``at_work``: read by a step that is about to remove something. ``replica``: the read replica that DMS reads from, if
    any; ``replica_why``: why nobody knows what slots it has.
    """

    migration: str
    database: str
    role: str
    schema: str
    run: str = ""
    at_work: bool = False
    parameters_stay: str = ""
    database_gone: bool = False
    body: str = ""
    slots: tuple[Slot, ...] = ()
    replica: str = ""
    replica_slots: tuple[Slot, ...] = ()
    replica_why: str = ""
    ledger: tuple[LedgerRow, ...] = ()
    audit: AuditState = NO_AUDIT
    artifacts: Artifacts = Artifacts()
    pglogical: Pglogical = Pglogical()
    role_use: RoleUse = RoleUse()
    control: ControlSchema = ControlSchema()
    books: ControlSchema = ControlSchema()
    lease: Lease | None = None
    neighbours: tuple[Neighbour, ...] = ()
    endpoints: tuple[OtherEndpoint, ...] = ()

    @property
    def others(self) -> tuple[str, ...]:
        """Return the other migrations of this database."""
        return tuple(sorted(self.control.migrations() - {self.migration}))

    def sharing(self) -> str:
        """Return who else needs what serves this database, in words; empty: nobody."""
        endpoints = [f"DMS endpoint {one.identifier}" for one in self.endpoints if one.here]
        return ", ".join([*([_migrations(self.others)] if self.others else []), *endpoints])

    def elsewhere(self) -> str:
        """Return who uses other databases of the server, in words; empty: nobody."""
        return ", ".join(one.told for one in self.neighbours if one.told)

    def is_ours(self, slot: Slot) -> bool:
        """Tell whether the ledger gives this slot to this migration."""
        return slot.slot_type == "logical" and slot.database == self.database and slot.name in self.recorded

    @property
    def recorded(self) -> frozenset[str]:
        """Return the slots that the ledger gives to this migration."""
        rows = (row for row in self.ledger if row.migration == self.migration and row.owner_kind in OWN_KINDS)
        return frozenset(row.slot_name for row in rows)

    @property
    def foreign_slots(self) -> tuple[Slot, ...]:
        """Return the logical slots of the whole server that are not this migration's."""
        return tuple(slot for slot in self.slots if slot.slot_type == "logical" and not self.is_ours(slot))


@dataclass(frozen=True, kw_only=True)
class TargetTable:
    """A table that DMS keeps for itself. ``beside_function``: next to the function of a DDL audit."""

    schema: str
    name: str
    owner: str
    made_by_login: bool
    beside_function: bool = False


@dataclass(frozen=True, kw_only=True)
class TargetState:
    """Everything that a teardown can find on the target. ``endpoints``: others that write to the same database."""

    migration: str
    database: str
    schema: str = "public"
    database_gone: bool = False
    tables: tuple[TargetTable, ...] = ()
    control: ControlSchema = ControlSchema()
    endpoints: tuple[str, ...] = ()

    def sharing(self) -> str:
        """Return who else writes to this database, in words; empty: nobody."""
        others = sorted(set(self.control.rows.get("marker", {})) - self.control.migrations() - {self.migration})
        endpoints = [f"DMS endpoint {one}" for one in self.endpoints]
        return ", ".join([*([_migrations(others)] if others else []), *endpoints])


def _migrations(found: frozenset[str] | tuple[str, ...] | list[str]) -> str:
    return f"migration{'' if len(found) == 1 else 's'} {', '.join(sorted(found))}"
