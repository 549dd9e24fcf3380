"""From parameter groups to running servers: what is in force, what waits for a reboot, and the reboot itself."""

from __future__ import annotations

import logging

from sandbox.postgres.server import ServerFailed
from sandbox.postgres.standby import needs_larger_sizes
from sandbox.rds.catalogue import render
from sandbox.rds.engines import family_of, instance_class
from sandbox.rds.estate import Estate, Group, Instance

log = logging.getLogger(__name__)

DROP_LOGICAL_SLOTS = "select pg_drop_replication_slot(slot_name) from pg_replication_slots where slot_type = 'logical'"


class Servers(Estate):
    """Puts group values into servers."""

    def effective(self, instance: Instance) -> dict[str, str]:
        """Return what a reboot would put in force: the instance group's user values beat the cluster group's."""
        cluster = self.clusters.get(instance.cluster or "")
        values = dict(self.groups[True, cluster.group].values) if cluster else {}
        return {**values, **self.groups[False, instance.group].values}

    def attached(self, group: Group) -> list[Instance]:
        """Return the instances that use a group."""
        if not group.cluster:
            return [one for one in self.instances.values() if one.group == group.name]
        clusters = {one.identifier for one in self.clusters.values() if one.group == group.name}
        return [one for one in self.instances.values() if one.cluster in clusters]

    def load(self, instance: Instance) -> None:
        """Give the server the settings that ``running`` comes to."""
        size = instance_class(instance.klass)
        instance.server.settings = render(
            family_of(instance.engine, instance.version),
            values=instance.running,
            known=instance.server.binaries.settings,
            vcpus=size.vcpus,
            memory=size.memory,
        )
        instance.server.force_ssl = instance.server.settings.get("rds.force_ssl") in ("1", "on", "true")

    def take_groups(self, instance: Instance) -> None:
        """Put the groups' present values in force at the next start."""
        with self.lock:
            instance.running = self.effective(instance)
            instance.apply_status = instance.cluster_apply_status = "in-sync"
        self.load(instance)

    def restart(self, instance: Instance) -> bool:
        """Restart with the groups' values; a server that cannot is ``incompatible-parameters``."""
        with instance.hands:
            self.take_groups(instance)
            self._give_standbys_room(instance)
            logical = instance.server.settings["wal_level"] == "logical"
            if not logical and not self.assumptions.leftover_slots_stop_the_start and instance.server.pid:
                with instance.server.connect() as connection:
                    connection.execute(DROP_LOGICAL_SLOTS)
            instance.server.stop()
            return self.bring_up(instance)

    def bring_up(self, instance: Instance) -> bool:
        """Start the server; tell whether it came up."""
        try:
            instance.server.start()
        except ServerFailed as err:
            log.warning("%s does not start: %s", instance.identifier, err)
            instance.status.set("incompatible-parameters")
            return False
        return True

    def _give_standbys_room(self, primary: Instance) -> None:
        for standby in self.instances.values():
            server = standby.server
            if server.standby_of is primary.server and server.has_room and server.pid:
                with standby.hands:
                    if needs_larger_sizes(server, primary.server.settings):
                        server.stop()
                        server.start()

    def spread(self, group: Group, *, dynamic: set[str], pending: bool) -> None:
        """Take a group's change to its databases: ``dynamic`` at once, the rest (``pending``) at their reboots."""
        for instance in self.attached(group):
            waits = pending or self._apply_status(instance, group) == "pending-reboot"
            if not dynamic:
                self._set_apply_status(instance, group, "pending-reboot" if waits else "in-sync")
                continue
            self._set_apply_status(instance, group, "pending-reboot" if waits else "applying")
            values = self.effective(instance)
            for name in dynamic:
                if name in values:
                    instance.running[name] = values[name]
                else:
                    instance.running.pop(name, None)
            self._reload_soon(instance, group)

    def _reload_soon(self, instance: Instance, group: Group) -> None:
        def work() -> None:
            with instance.hands:
                if instance.usable:
                    self.load(instance)
                    instance.server.reload()

        def then() -> None:
            with self.lock:
                if self._apply_status(instance, group) == "applying":
                    self._set_apply_status(instance, group, "in-sync")

        self.jobs.run("apply", work, then=then)

    def _apply_status(self, instance: Instance, group: Group) -> str:
        return instance.cluster_apply_status if group.cluster else instance.apply_status

    def _set_apply_status(self, instance: Instance, group: Group, value: str) -> None:
        if group.cluster:
            instance.cluster_apply_status = value
        else:
            instance.apply_status = value
