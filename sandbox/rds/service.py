"""RDS, as the gateway calls it: one method per action."""

from __future__ import annotations

from typing import Any

from sandbox.rds.mishaps import Mishaps


class RdsService(Mishaps):
    """All actions, and the end."""

    def servers(self) -> list[dict[str, Any]]:
        """Return what ``sandbox status`` lists; the dsn has no password."""
        with self.lock:
            return [
                {
                    "identifier": one.identifier,
                    "cluster": one.cluster,
                    "role": "writer" if one.server.standby_of is None else "reader",
                    "status": one.status.value,
                    "dsn": f"postgresql://{one.master}@{self.site.host}:{one.server.port}/{one.database or 'postgres'}",
                    "pid": one.server.pid,
                    "port": one.server.port,
                }
                for one in self.instances.values()
                if one.usable
            ]

    def stop(self) -> None:
        """End every server and every job; nothing of them is left."""
        self.jobs.stop()
        servers = [instance.server for instance in self.instances.values()]
        for server in servers:
            server.quit()
        for server in servers:
            server.kill()
            server.give_back_volume()
