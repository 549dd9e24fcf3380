"""What is waited for while a database is loaded and when it streams."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pg_cdc.waits import Look, Wait

if TYPE_CHECKING:
    from psycopg import Connection

    from pg_cdc.config import Migration


@dataclass(frozen=True, kw_only=True)
class NativeWait(Wait):
    """Looks at one or both ends. ``migration``: the spec as JSON; it names connections and holds no secret."""

    migration: dict[str, Any]
    host: str
    port: int

    def spec(self) -> Migration:
        """Return the migration."""
        from pg_cdc.spec import migration_from_mapping

        return migration_from_mapping(self.migration)

    def source(self, migration: Migration) -> Connection[Any]:
        """Connect to the source without asking AWS where it is."""
        from pg_cdc.hooks.postgres import admin_credentials

        return admin_credentials(migration, host=self.host, port=self.port).connect()


@dataclass(frozen=True, kw_only=True)
class SnapshotHeld(NativeWait):
    """Waits until a session holds the snapshot, or nothing is left to load."""

    def look(self) -> Look:
        """Look at the books on the source."""
        from pg_cdc.facts.native.objects import read_snapshot

        migration = self.spec()
        with self.source(migration) as conn:
            snapshot = read_snapshot(conn, migration)
        if snapshot is None:
            return Look(done=False, progress="keep_snapshot has not made the slot yet")
        if snapshot.loaded or snapshot.keeper_alive:
            return Look(done=True, progress=f"snapshot {snapshot.snapshot_name} at {snapshot.consistent_point}")
        return Look(done=False, progress="the session that held the snapshot has ended; keep_snapshot makes another")


@dataclass(frozen=True, kw_only=True)
class MarkerArrived(NativeWait):
    """Waits until the target has ``token`` by way of an active slot."""

    token: str
    slot_name: str

    def look(self) -> Look:
        """Look at the target, then at the slot."""
        from pg_cdc.facts.native.objects import read_slot
        from pg_cdc.facts.streaming import read_target_token
        from pg_cdc.hooks.postgres import connect_target

        migration = self.spec()
        with connect_target(migration) as conn:
            arrived = read_target_token(conn, migration.name) == self.token
        with self.source(migration) as conn:
            slot = read_slot(conn, self.slot_name)
        if slot is None or slot.wal_status == "lost":
            return Look(done=True, progress=f"slot {self.slot_name} is {'lost' if slot else 'gone'}")
        if arrived and slot.active:
            return Look(done=True, progress="the marker has arrived")
        told = "has arrived" if arrived else "is written on the source, and not on the target yet"
        return Look(done=False, progress=f"the marker {told}; slot {slot.name} is {'' if slot.active else 'not '}read")


@dataclass(frozen=True, kw_only=True)
class PglogicalCopied(NativeWait):
    """Waits until pglogical has copied every table, or its worker has died in the middle."""

    def look(self) -> Look:
        """Look at the target."""
        from pg_cdc.facts.native.pglogical import read_copy, tell_copies
        from pg_cdc.hooks.postgres import connect_target

        migration = self.spec()
        with connect_target(migration) as conn:
            found = read_copy(conn, migration)
            now = tell_copies(conn)
        if found is None:
            return Look(done=True, progress="there is no subscription")
        told = f"pglogical is {found.status}, phase {found.sync}, {found.tables} tables copied"
        return Look(done=found.is_done or found.is_broken, progress=f"{told}{'; now ' + now if now else ''}")
