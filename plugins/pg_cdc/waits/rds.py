"""What is waited for in RDS: a database that has settled, and a reboot that has really happened."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from pg_cdc.config import Migration
from pg_cdc.decisions.instances import AVAILABLE, is_broken, unsettled
from pg_cdc.waits import Look, Wait

if TYPE_CHECKING:
    from pg_cdc.decisions.world import Database, Member
    from pg_cdc.hooks.rds import CdcRdsHook

STALE_SECONDS = 60
"""For so long after a change a describe is not believed when it says that nothing is pending."""


@dataclass(frozen=True, kw_only=True)
class RdsWait(Wait):
    """A look at the source of ``migration`` (its spec as JSON)."""

    migration: dict[str, Any]

    def spec(self) -> Migration:
        """Return the migration."""
        return Migration.model_validate(self.migration)

    @cached_property
    def hook(self) -> CdcRdsHook:
        """Return one hook for all looks: making a client costs more than asking it."""
        from pg_cdc.hooks.rds import CdcRdsHook

        return CdcRdsHook.of(self.spec())

    def database(self) -> Database:
        """Return the source, read now."""
        from pg_cdc.facts.rds import read_database

        return read_database(self.hook, self.spec().source.identifier)


@dataclass(frozen=True, kw_only=True)
class InstanceAvailable(RdsWait):
    """Every instance of the source is available and applies no parameters, or is broken."""

    def look(self) -> Look:
        """Look at the statuses."""
        database = self.database()
        waiting = unsettled(database)
        if is_broken(database) or not waiting:
            return Look(done=True, progress=f"{database.identifier}: {'; '.join(waiting) or 'available'}")
        return Look(done=False, progress="; ".join(waiting))


@dataclass(frozen=True, kw_only=True)
class GroupAttached(RdsWait):
    """Every instance has noticed the new ``group``, attached at ``since`` (epoch seconds): it waits for its reboot."""

    group: str
    since: float

    def look(self) -> Look:
        """Look at the group and at the apply statuses."""
        database = self.database()
        waiting = unsettled(database)
        attached = self.group in (database.cluster_parameter_group, database.writer.parameter_group)
        late = time.time() - self.since > STALE_SECONDS
        noticed = late or all(member.pending_reboot for member in database.members)
        if is_broken(database) or (attached and noticed and not waiting):
            return Look(done=True, progress=f"{self.group} is attached to {database.identifier}")
        told = waiting or ("its instances are to notice",) if attached else (f"{self.group} is not attached yet",)
        return Look(done=False, progress=f"{database.identifier}: {'; '.join(told)}")


@dataclass(frozen=True, kw_only=True)
class GroupShows(RdsWait):
    """The parameter group shows the ``values`` that were set."""

    group: str
    cluster: bool
    values: dict[str, str]

    def look(self) -> Look:
        """Look at the group."""
        rows = self.hook.list_parameters(self.group, cluster=self.cluster)
        found = {row["ParameterName"]: row.get("ParameterValue") for row in rows}
        missing = sorted(name for name, value in self.values.items() if found.get(name) != value)
        told = f"does not show {', '.join(missing)} yet" if missing else "shows what was set"
        return Look(done=not missing, progress=f"parameter group {self.group} {told}")


@dataclass(frozen=True, kw_only=True)
class InstanceRebooted(RdsWait):
    """An instance was rebooted, proved: nothing is pending, and the writer's server started at another time.

    A describe just after the request may still say ``available`` and even ``in-sync``. ``postmaster_before``: the start
    time before; empty for a reader, whose ``pending-reboot`` only a reboot ends. ``together``: with all other members.
    """

    instance: str
    postmaster_before: str = ""
    together: bool = False

    def look(self) -> Look:
        """Look at the instance, and then at the server itself."""
        database = self.database()
        member = next((one for one in database.members if one.identifier == self.instance), None)
        if member is None:
            return Look(done=True, progress=f"{self.instance} is no longer a member of {database.identifier}")
        if is_broken(database):
            return Look(done=True, progress=f"{self.instance} is {member.status}")
        if member.status != AVAILABLE:
            return Look(done=False, progress=f"{self.instance} is {member.status}")
        return self._look_closer(database, member)

    def _look_closer(self, database: Database, member: Member) -> Look:
        for one in database.members if self.together else (member,):
            if one.pending_reboot:
                return Look(done=False, progress=f"{one.identifier} still waits for its reboot")
        if self.postmaster_before and (doubt := self._doubt(database)):
            return Look(done=False, progress=f"{self.instance} {doubt}")
        return Look(done=True, progress=f"{self.instance} was rebooted")

    def _doubt(self, database: Database) -> str:
        import psycopg

        from pg_cdc.facts.postgres import read_server
        from pg_cdc.failures import NotYet
        from pg_cdc.hooks.postgres import connect_source

        try:
            with connect_source(self.spec(), database) as conn:
                started = read_server(conn).postmaster_started
        except NotYet:
            return "takes no connections yet"
        except psycopg.OperationalError:  # AWS says available for a moment before the server goes down
            return "is going down"
        return "" if started != self.postmaster_before else f"has run since {started} without a reboot"


@dataclass(frozen=True, kw_only=True)
class SettingsInForce(RdsWait):
    """The server shows what was set for ``names``: dynamic parameters follow a moment after their group."""

    names: list[str]

    def look(self) -> Look:
        """Look at the server's settings."""
        from pg_cdc.facts.configuration import read_configuration

        changes = read_configuration(self.hook, self.spec()).changes
        late = sorted(change.name for change in changes if change.name in self.names and not change.in_force)
        told = f"{', '.join(late)} not in force yet" if late else "all settings are in force"
        return Look(done=not late, progress=told)
