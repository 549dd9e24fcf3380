"""A streaming standby with a physical slot: an Aurora reader, or an RDS read replica."""

from __future__ import annotations

import time
from collections.abc import Mapping

import psycopg

from sandbox.postgres.server import Server, slot_of
from sandbox.postgres.site import ADMIN


def create_standby(standby: Server, primary: Server, *, settings: Mapping[str, str]) -> None:
    """Copy ``primary`` while it runs, and start following it. If it is a standby itself, what it follows is copied.

    A base backup of a standby wants full_page_writes, which are off here.
    """
    slot = slot_of(standby.name)
    with primary.connect() as connection:
        connection.execute(
            "select pg_create_physical_replication_slot(%(slot)s, true)"
            " where not exists (select from pg_replication_slots where slot_name = %(slot)s)",
            {"slot": slot},
        )
    site, root = standby.site, primary
    while root.standby_of is not None:
        root = root.standby_of
    by_slot = ("-S", slot) if root is primary else ()
    standby.binaries.run(
        "pg_basebackup", "-D", standby.data, "-h", site.sockets, "-p", root.port, "-U", ADMIN, "-w", "-X", "stream",
        *by_slot, "-c", "fast", "--no-sync", check=True, env={"PGPASSFILE": str(site.passfile)},
    )  # fmt: skip
    standby.settings = dict(settings)
    follow(standby, primary)
    standby.start()


def follow(standby: Server, primary: Server) -> None:
    """Mark the data directory of ``standby`` as one that follows ``primary``."""
    standby.standby_of = primary
    signal_file = standby.data / "standby.signal"
    signal_file.touch()
    standby.binaries.account.own(signal_file, 0o600)


def needs_larger_sizes(standby: Server, primary_settings: Mapping[str, str]) -> bool:
    """Tell whether the primary is about to start with sizes at which the standby would stop replaying."""
    with standby.connect() as connection:
        for name in ("max_connections", "max_worker_processes", "max_wal_senders"):
            row = connection.execute("select current_setting(%s)::int", [name]).fetchone()
            if row and int(primary_settings.get(name, 0)) > row[0]:
                return True
    return False


def forget_standby(primary: Server, name: str) -> None:
    """Drop the slot of the standby ``name``, which is stopped."""
    with primary.connect() as connection:
        for _ in range(50):
            try:
                connection.execute(
                    "select pg_drop_replication_slot(slot_name) from pg_replication_slots where slot_name = %s",
                    [slot_of(name)],
                )
            except psycopg.errors.ObjectInUse:
                time.sleep(0.1)
            else:
                return
