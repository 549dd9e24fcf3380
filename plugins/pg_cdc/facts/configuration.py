"""Read how the source is configured and what is left to do about it: the facts of every configure step."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from pg_cdc.decisions import names
from pg_cdc.decisions.dms.streaming import DMS_TASK
from pg_cdc.decisions.parameters.changes import ParameterChange, plan_parameters, refused_parameters
from pg_cdc.decisions.parameters.groups import GroupAction, GroupPlan, in_group, keeps, plan_group, target_group
from pg_cdc.decisions.slots.world import OwnerKind
from pg_cdc.decisions.world import Database, Finding, ParameterGroup, Server
from pg_cdc.facts.postgres import read_server
from pg_cdc.facts.rds import read_database, read_parameter_group, read_parameter_groups
from pg_cdc.facts.streaming import read_ledger
from pg_cdc.hooks.history import Before, Reboot, read_before, read_reboots
from pg_cdc.hooks.postgres import connect_source

if TYPE_CHECKING:
    from psycopg import Connection

    from pg_cdc.config import Migration
    from pg_cdc.hooks.rds import CdcRdsHook

OWN_KINDS = (DMS_TASK, OwnerKind.NATIVE_SUBSCRIPTION.value, OwnerKind.PGLOGICAL_SUBSCRIPTION.value)


@dataclass(frozen=True, kw_only=True)
class Configuration:
    """``changes``: what the attached group lacks. ``remaining``: what the group of ``plan`` lacks.

    ``own``: the group of our name, if the plan wants one and it is there. ``refused``: why parameters that the spec
    asks for cannot be set.
    """

    migration: Migration
    database: Database
    groups: tuple[ParameterGroup, ...]
    server: Server
    own_slots: frozenset[str]
    plan: GroupPlan
    changes: tuple[ParameterChange, ...]
    remaining: tuple[ParameterChange, ...]
    own: ParameterGroup | None
    before: dict[str, Before]
    reboots: tuple[Reboot, ...]
    refused: tuple[Finding, ...] = ()

    @property
    def creates(self) -> bool:
        """Tell whether the parameters go into a group of our own that is not attached yet."""
        return self.plan.action is GroupAction.CREATE

    def seen_again(self, database: Database, server: Server) -> Configuration:
        """Return this with the database and the server as they are now; the groups are taken to be as they were."""
        changes = _changes(self.migration, database, self.groups, server, self.own_slots)
        return replace(self, database=database, server=server, changes=changes)


def read_configuration(hook: CdcRdsHook, migration: Migration, *, database: Database | None = None) -> Configuration:
    """Return the configuration of the source, as it is now."""
    database = database or read_database(hook, migration.source.identifier)
    groups = read_parameter_groups(hook, database)
    with connect_source(migration, database) as conn:
        server = read_server(conn)
        own_slots = read_own_slots(conn, migration)
        before, reboots = read_before(conn, migration.name), read_reboots(conn, migration.name)
    changes = _changes(migration, database, groups, server, own_slots)
    own = _own_group(hook, migration, database, groups)
    plan = plan_group(database, groups, migration=migration, changes=changes, own=own)
    creates = plan.action is GroupAction.CREATE
    seen = in_group(groups, plan, own) if own and creates else groups
    return Configuration(
        migration=migration,
        database=database,
        groups=groups,
        server=server,
        own_slots=own_slots,
        plan=plan,
        changes=changes,
        remaining=_changes(migration, database, seen, server, own_slots),
        own=own if creates else None,
        before=before,
        reboots=reboots,
        refused=refused_parameters(database, groups, server, migration=migration, own_slots=own_slots),
    )


def read_own_slots(conn: Connection[Any], migration: Migration) -> frozenset[str]:
    """Return the slots that the ledger gives to this migration: to its tasks, or to its subscription."""
    rows = (row for row in read_ledger(conn) if row.owner_kind in OWN_KINDS and row.migration == migration.name)
    return frozenset(row.slot_name for row in rows)


def _changes(
    migration: Migration,
    database: Database,
    groups: tuple[ParameterGroup, ...],
    server: Server,
    own_slots: frozenset[str],
) -> tuple[ParameterChange, ...]:
    return plan_parameters(database, groups, server, migration=migration, own_slots=own_slots)


def _own_group(
    hook: CdcRdsHook, migration: Migration, database: Database, groups: tuple[ParameterGroup, ...]
) -> ParameterGroup | None:
    attached = target_group(database, groups)
    name = names.parameter_group(database.identifier, attached.family)
    if name == attached.name or keeps(database, attached, migration=migration):
        return None
    return read_parameter_group(hook, name, cluster=attached.cluster)
