"""What is waited for of a read replica: that it is there, has replayed, takes writes, or is gone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pg_cdc.decisions.instances import AVAILABLE, BROKEN
from pg_cdc.failures import NotYet
from pg_cdc.waits import Look
from pg_cdc.waits.rds import RdsWait

if TYPE_CHECKING:
    from pg_cdc.decisions.world import Database


@dataclass(frozen=True, kw_only=True)
class ReplicaWait(RdsWait):
    """A look at the instance ``identifier``; the spec's admin logs in there too."""

    identifier: str

    def replica(self) -> Database | None:
        """Return the instance, read now."""
        from pg_cdc.facts.rds import read_database

        return read_database(self.hook, self.identifier) if self.hook.find_instance(self.identifier) else None


@dataclass(frozen=True, kw_only=True)
class ReplicaAvailable(ReplicaWait):
    """It is available, or broken."""

    def look(self) -> Look:
        """Look at its status."""
        found = self.replica()
        if found is None:
            return Look(done=False, progress=f"{self.identifier} is not to be seen yet")
        done = found.status == AVAILABLE or found.status in BROKEN
        return Look(done=done, progress=f"{self.identifier} is {found.status}")


@dataclass(frozen=True, kw_only=True)
class ReplicaReplayed(ReplicaWait):
    """It has replayed WAL up to ``position``, in bytes; or its replay is paused, or it is no standby any more."""

    position: int

    def look(self) -> Look:
        """Ask the server."""
        from pg_cdc.facts.replica import connect_replica, read_state

        found = self.replica()
        if found is None:
            return Look(done=True, progress=f"{self.identifier} is gone")
        try:
            with connect_replica(self.spec(), found) as conn:
                state = read_state(conn)
        except NotYet as away:
            return Look(done=False, progress=str(away))
        behind = self.position - state.position
        done = behind <= 0 or state.paused or not state.in_recovery
        return Look(done=done, progress=f"{self.identifier} is {max(behind, 0)} bytes of WAL behind")


@dataclass(frozen=True, kw_only=True)
class ReplicaPromoted(ReplicaWait):
    """RDS shows it as an instance of its own, and it takes writes; or it is broken. A describe may be stale."""

    def look(self) -> Look:
        """Look at RDS, and then at the server itself."""
        from pg_cdc.facts.replica import connect_replica, takes_writes

        found = self.replica()
        if found is None or found.status in BROKEN:
            return Look(done=True, progress=f"{self.identifier} is {found.status if found else 'gone'}")
        if found.replica_of or found.status != AVAILABLE:
            of = f", a replica of {found.replica_of}" if found.replica_of else ""
            return Look(done=False, progress=f"{self.identifier} is {found.status}{of}")
        try:
            with connect_replica(self.spec(), found) as conn:
                writable = takes_writes(conn)
        except NotYet as away:
            return Look(done=False, progress=str(away))
        return Look(done=writable, progress=f"{self.identifier} {'takes writes' if writable else 'is still read-only'}")


@dataclass(frozen=True, kw_only=True)
class ReplicaGone(ReplicaWait):
    """RDS shows it no more."""

    def look(self) -> Look:
        """Look for it."""
        row = self.hook.find_instance(self.identifier)
        told = f"is {row['DBInstanceStatus']}" if row else "is gone"
        return Look(done=row is None, progress=f"{self.identifier} {told}")
