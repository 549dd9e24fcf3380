"""What befalls servers without AWS being asked: killed, cut off, out of disk, a slot lost."""

from __future__ import annotations

import logging

from sandbox.api.errors import AwsError
from sandbox.postgres.server import Server
from sandbox.postgres.slot_files import NotASlotFile, mark_lost
from sandbox.postgres.small_volume import FULL, SEGMENT, make_small
from sandbox.rds.engines import AURORA
from sandbox.rds.estate import Instance
from sandbox.rds.multi_az import MultiAzClusters

log = logging.getLogger(__name__)

LOOK_SECONDS = 0.1

CUT = """
select pg_terminate_backend(pid) from pg_stat_activity
where backend_type in ('client backend', 'walsender') and usename <> current_user
"""


class Mishaps(MultiAzClusters):
    """By the identifier of an instance, or of a cluster for its writer."""

    def kill_server(self, identifier: str, *, restart_after: float | None = None) -> None:
        """Kill a server, as a lost machine would; AWS is not told."""
        instance = self._victim(identifier, running=False)
        with instance.hands:
            instance.server.kill()
        if restart_after is not None:
            self.jobs.run("visible", lambda: self._start_again(instance, restart_after))

    def cut_connections(self, identifier: str, *, seconds: float | None = None) -> None:
        """End every client's connection; for ``seconds`` new ones get no answer, while the server lives on."""
        instance = self._victim(identifier)
        with instance.server.connect() as connection:
            if seconds is not None:
                instance.server.hold()
            connection.execute(CUT)
        if seconds is not None:
            self.jobs.run("visible", lambda: self._answer_again(instance, seconds))

    def answer_again(self) -> None:
        """Let every server that was cut off answer again."""
        for instance in list(self.instances.values()):
            instance.server.resume()

    def lose_slot(self, identifier: str, slot: str) -> None:
        """Make one logical slot a lost one, and no other; the server restarts for it."""
        instance = self._victim(identifier)
        with instance.server.connect() as connection:
            query = "select slot_type from pg_replication_slots where slot_name = %s and not temporary"
            found = connection.execute(query, [slot]).fetchone()
        if found != ("logical",):
            raise AwsError("SandboxFaultImpossible", f"{identifier} has no logical slot {slot!r}")
        with instance.hands:
            instance.server.stop()
            try:
                mark_lost(instance.server.data / "pg_replslot" / slot / "state", major=instance.server.binaries.major)
            except NotASlotFile as err:
                raise AwsError("SandboxFaultImpossible", str(err)) from None
            finally:
                instance.server.start()

    def fill_disk(self, identifier: str, free_bytes: int) -> None:
        """Put the WAL of an RDS instance on a volume where ``free_bytes`` are left; the server restarts for it.

        Once it is full, the instance is ``storage-full`` until more storage is allocated.
        """
        instance = self._victim(identifier)
        if instance.engine == AURORA:
            raise AwsError("SandboxFaultImpossible", "An Aurora volume grows by itself; take an RDS instance.")
        server = instance.server
        with instance.hands:
            if server.small_volume is not None:
                raise AwsError("SandboxFaultImpossible", f"{identifier} has a small volume already")
            server.stop()
            account = server.binaries.account
            server.small_volume = make_small(server.data / "pg_wal", free=free_bytes, account=account)
            server.start()
        self.jobs.run("visible", lambda: self._watch_volume(instance))

    def _victim(self, identifier: str, *, running: bool = True) -> Instance:
        with self.lock:
            name = identifier.lower()
            instance = self.members(name)[0] if self.members(name) else self.find_instance(name)
        if running and (instance.server.pid is None or instance.server.unreachable):
            raise AwsError("SandboxFaultImpossible", f"the server of {identifier} does not run")
        return instance

    def _start_again(self, instance: Instance, seconds: float) -> None:
        if not self.jobs.delay(seconds):
            with instance.hands:
                if instance.server.pid is None:
                    self.bring_up(instance)

    def _answer_again(self, instance: Instance, seconds: float) -> None:
        self.jobs.delay(seconds)
        instance.server.resume()

    def _watch_volume(self, instance: Instance) -> None:
        server, seen = instance.server, instance.server.log_size
        while server.small_volume is not None and not self.jobs.delay(LOOK_SECONDS):
            if instance.status.value != "available" or not _is_full(server, seen):
                continue
            with instance.hands:
                log.warning("the volume of %s is full", instance.identifier)
                server.stop("immediate")
                instance.status.set("storage-full")
                seen = server.log_size


def _is_full(server: Server, seen: int) -> bool:
    volume = server.small_volume
    if volume is None:
        return False
    if volume.mounted:
        return volume.free < SEGMENT and FULL in server.log_since(seen)
    return volume.free == 0
