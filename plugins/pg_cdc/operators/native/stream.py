"""Let the changes flow from the point of the load, and prove by a marker row that they do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pg_cdc.decisions.outcome import Outcome
from pg_cdc.failures import Differs, NotProved, NotYet
from pg_cdc.operators.native import pglogical as native_pglogical
from pg_cdc.operators.native.step import Ends, NativeStep

if TYPE_CHECKING:
    from airflow.sdk import Context
    from psycopg import Connection

    from pg_cdc.config import Migration
    from pg_cdc.decisions.native.world import NativeSlot, Snapshot, Subscription
    from pg_cdc.facts.native.stream import LoadedStream


class EnableSubscriptionOperator(NativeStep):
    """Enable the subscription: it goes on where the snapshot ended, since that is what its slot has confirmed."""

    def step(self, migration: Migration, context: Context) -> Outcome:
        """Enable it, unless it is."""
        from pg_cdc.decisions.native import names as native_names
        from pg_cdc.decisions.native.pglogical import is_pglogical
        from pg_cdc.facts.native.objects import read_slot, read_snapshot, read_subscription
        from pg_cdc.hooks.native.subscription import enable_subscription

        ends = self.ends(migration)
        if is_pglogical(migration):
            return native_pglogical.enable(ends, migration)
        name = native_names.subscription(migration)
        with ends.both() as (source, target):
            snapshot, slot = read_snapshot(source, migration), read_slot(source, native_names.slot(migration))
            found = read_subscription(target, name)
            if found is None:
                raise NotProved(
                    found=f"no subscription {name}",
                    expected="the one of this migration",
                    next="clear ensure_subscription",
                )
            changes: tuple[str, ...] = ()
            if not found.enabled:
                _refuse_unready(snapshot, slot, found)
                changes = enable_subscription(target, migration)
                found = read_subscription(target, name)
        if found is None or not found.enabled:
            raise NotProved(found=f"subscription {name} is disabled", expected="enabled", next=f"clear {self.task_id}")
        return Outcome(changes=changes, facts={"subscription": name, "slot": found.slot_name})


class WaitNativeStreamingOperator(NativeStep):
    """Wait until a marker row has gone from the source through the slot to the target, once for each slot."""

    def step(self, migration: Migration, context: Context) -> Outcome:
        """Write the marker where this slot has none, and wait for it."""
        from pg_cdc.facts.native.stream import read_loaded_stream, read_stream

        ends = self.ends(migration)
        with ends.both() as (conn, target):
            loaded = read_loaded_stream(conn, target, migration)
            if loaded is None:
                raise NotYet("not every table is loaded yet")
            changes = self._prove(ends, conn, migration, context, loaded)
        stream = read_stream(ends.source, ends.target, migration)
        if stream.slot is None or not stream.slot.active:
            raise NotYet(f"the marker has arrived, and slot {loaded.slot_name} is not active")
        return Outcome(changes=changes, facts=stream.told())

    def _prove(
        self, ends: Ends, conn: Connection[Any], migration: Migration, context: Context, loaded: LoadedStream
    ) -> tuple[str, ...]:
        from pg_cdc.decisions.dms.streaming import is_proved, stream_of
        from pg_cdc.decisions.native import names as native_names
        from pg_cdc.facts.streaming import read_marker
        from pg_cdc.hooks.control_tables import confirm_marker, write_marker

        stream = stream_of(native_names.owner_id(migration), loaded.point)
        marker = read_marker(conn, migration.name)
        if is_proved(marker, self._arrived(ends, migration), stream):
            return ()
        changes: tuple[str, ...] = ()
        if marker is None or marker.stream != stream:
            token = write_marker(conn, migration.name, stream)
            changes = ("wrote a marker row on the source",)
        else:
            token = marker.token
        self._wait(ends, migration, context, loaded.slot_name, token)
        if self._arrived(ends, migration) != token:
            raise _not_streaming(loaded.slot_name, migration)
        confirm_marker(conn, migration.name, token)
        return (*changes, "saw the marker row on the target")

    def _wait(self, ends: Ends, migration: Migration, context: Context, slot_name: str, token: str) -> None:
        from pg_cdc.operators.source.step import as_json
        from pg_cdc.waits.native import MarkerArrived

        wait = MarkerArrived(migration=as_json(migration), **ends.address(), token=token, slot_name=slot_name)
        self.wait_minutes(wait, context, migration, migration.timeouts.streaming_minutes)

    def _arrived(self, ends: Ends, migration: Migration) -> str | None:
        from pg_cdc.facts.streaming import read_target_token

        with ends.target.connect() as conn:
            return read_target_token(conn, migration.name)


def _refuse_unready(snapshot: Snapshot | None, slot: NativeSlot | None, found: Subscription) -> None:
    """Refuse to stream from anywhere but the point of the load: what lies between would be lost or applied twice."""
    if snapshot is None or not snapshot.loaded:
        raise NotYet("not every table is loaded yet")
    if slot is None or found.slot_name != slot.name or slot.confirmed_flush_lsn is None:
        raise Differs(
            found=f"no slot {found.slot_name} on the source",
            expected="the slot that was made with the snapshot",
            next="tear the migration down, drop its tables on the target, and run it again",
        )
    if not slot.active and found.worker_pid is None and slot.confirmed_flush_lsn != snapshot.consistent_point:
        raise Differs(
            found=f"slot {slot.name} has confirmed {slot.confirmed_flush_lsn}",
            expected=f"{snapshot.consistent_point}, as of which the tables were loaded",
            next="if the subscription was enabled before and disabled by hand, enable it by hand; else run it again",
        )


def _not_streaming(slot_name: str, migration: Migration) -> NotProved:
    return NotProved(
        found=f"the marker written for slot {slot_name} is not on the target",
        expected="the same row in pgcdc.marker on both ends",
        next=f"see the server log of {migration.target.identifier or migration.target.host} for its apply worker",
    )
