"""One PostgreSQL server process: made from the template, started, restarted, killed, removed."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import struct
import time
from collections.abc import Mapping
from contextlib import suppress

import psycopg
from psycopg import sql

from sandbox.postgres.aurora import functions_sql
from sandbox.postgres.binaries import Binaries, copy_tree
from sandbox.postgres.site import ADMIN, Site
from sandbox.postgres.small_volume import SmallVolume
from sandbox.processes import wait_until_gone

START_SECONDS = 180
STOP_SECONDS = 20
QUIT_SECONDS = 10

STANDBY_FLOORS = {
    "max_connections": 300,
    "max_worker_processes": 64,
    "max_wal_senders": 64,
    "max_prepared_transactions": 64,
    "max_locks_per_transaction": 128,
}
"""A standby pauses replay when its primary restarts with larger sizes than its own: members of clusters have room."""


OUTPUT_PLUGINS = ("pgoutput", "test_decoding", "wal2json", "pglogical", "pglogical_output")
"""Those that RDS offers. Minor versions since August 2026 load no other than the first two unless they are listed."""


class ServerFailed(Exception):
    """The server did not start; the text is the end of its log."""


class Server:
    """A data directory below the site's root and the process on it. ``settings`` is all of its configuration.

    ``has_room``: as a standby it gets larger sizes than these, so that it takes its primary's.
    ``binaries`` None: the site's default installation.
    """

    def __init__(self, site: Site, name: str, port: int, binaries: Binaries | None = None) -> None:
        self.site = site
        self.binaries = binaries or site.binaries
        self.name = name
        self.port = port
        self.data = site.root / f"{name}-{secrets.token_hex(3)}"
        self.log_file = self.data.with_suffix(".log")
        self.settings: dict[str, str] = {}
        self.force_ssl = False
        self.standby_of: Server | None = None
        self.has_room = True
        self.small_volume: SmallVolume | None = None
        self.unreachable = False

    def create(
        self, *, owner: str, password: str, database: str | None, aurora: bool, settings: Mapping[str, str]
    ) -> None:
        """Make a primary from the template, start it, and give it its master user and database."""
        copy_tree(self.site.template(self.binaries), self.data)
        _become_another_cluster(self)
        self.settings = dict(settings)
        self.start()
        for place in ("template1", "postgres") if aurora else ():
            with self.connect(place) as connection:
                connection.execute(functions_sql(self.binaries.major))
        with self.connect() as connection:
            name = sql.Identifier(owner)
            connection.execute(
                sql.SQL("create role {} login superuser createdb createrole replication password {}").format(
                    name, sql.Literal(password)
                )
            )
            connection.execute(sql.SQL("grant rds_superuser to {}").format(name))
            connection.execute(sql.SQL("alter database postgres owner to {}").format(name))
            if database and database != "postgres":
                connection.execute(sql.SQL("create database {} owner {}").format(sql.Identifier(database), name))

    def start(self) -> None:
        """Start with ``settings``. :raises ServerFailed: it does not come up."""
        self.write_configuration()
        done = self.binaries.run(
            "pg_ctl", "start", "-D", self.data, "-l", self.log_file, "-w", "-t", START_SECONDS, "-s"
        )
        if done.returncode:
            raise ServerFailed(self.log_tail())

    def stop(self, mode: str = "fast") -> None:
        """Stop; one that will not is stopped at once."""
        if self.pid is None:
            return
        self.resume()
        done = self.binaries.run("pg_ctl", "stop", "-D", self.data, "-m", mode, "-w", "-t", STOP_SECONDS, "-s")
        if done.returncode and mode != "immediate":
            self.stop("immediate")

    def kill(self) -> None:
        """Kill the postmaster and all its children, as a lost machine would."""
        if (pid := self.pid) is None:
            return
        self.quit()
        wait_until_gone([pid], QUIT_SECONDS)
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)

    def quit(self) -> None:
        """Ask for an immediate stop, and do not wait for it."""
        if (pid := self.pid) is not None:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGQUIT)
        self.resume()

    def hold(self) -> None:
        """Let new connections wait for an answer; those there are go on."""
        if (pid := self.pid) is not None:
            self.unreachable = True
            os.kill(pid, signal.SIGSTOP)

    def resume(self) -> None:
        """Answer again."""
        pid, held, self.unreachable = self.pid, self.unreachable, False
        if held and pid is not None:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)

    def reload(self) -> None:
        """Write the configuration and have it read."""
        self.write_configuration()
        if (pid := self.pid) is not None:
            os.kill(pid, signal.SIGHUP)

    def promote(self) -> None:
        """Make a standby a primary."""
        self.standby_of = None
        self.binaries.run("pg_ctl", "promote", "-D", self.data, "-w", "-t", START_SECONDS, "-s", check=True)
        self.write_configuration()

    def remove(self) -> None:
        """Stop at once and delete the data."""
        self.kill()
        self.give_back_volume()
        shutil.rmtree(self.data, ignore_errors=True)
        self.log_file.unlink(missing_ok=True)

    def give_back_volume(self) -> None:
        """Unmount its small volume, if it has one."""
        if self.small_volume is not None:
            self.small_volume.give_back()
            self.small_volume = None

    def connect(self, dbname: str = "postgres") -> psycopg.Connection:
        """Connect as the hidden superuser."""
        return self.site.connect(self.port, dbname)

    def set_password(self, role: str, password: str) -> None:
        """Give ``role`` a new password."""
        with self.connect() as connection:
            connection.execute(sql.SQL("alter role {} password {}").format(sql.Identifier(role), sql.Literal(password)))

    @property
    def pid(self) -> int | None:
        """Return the postmaster's process id, None when it does not run."""
        try:
            pid = int((self.data / "postmaster.pid").read_text().split()[0])
            os.kill(pid, 0)
        except (OSError, ValueError, IndexError):
            return None
        return pid

    def log_tail(self, lines: int = 8) -> str:
        """Return the end of the server's log."""
        try:
            return "\n".join(self.log_file.read_text(errors="replace").splitlines()[-lines:])
        except OSError:
            return "no log was written"

    @property
    def log_size(self) -> int:
        """Return how long the log is now, in bytes."""
        return self.log_file.stat().st_size if self.log_file.exists() else 0

    def log_since(self, position: int) -> str:
        """Return what was logged behind ``position``."""
        return self.log_file.read_bytes()[position:].decode(errors="replace")

    def write_configuration(self) -> None:
        """Write postgresql.conf and pg_hba.conf."""
        values = {**self.settings, **self._fixed()}
        if self.standby_of is not None and self.has_room:
            for name, floor in STANDBY_FLOORS.items():
                values[name] = str(max(int(values.get(name, 0)), int(self.standby_of.settings.get(name, 0)), floor))
        lines = (f"{name} = '{_quoted(value)}'\n" for name, value in values.items())
        self._write("postgresql.conf", "".join(lines))
        secure = "hostssl" if self.force_ssl else "host"
        addresses = ("127.0.0.1/32", "::1/128") if self.site.bind in ("localhost", "127.0.0.1") else ("all",)
        rules = [f"{secure} all all {address} scram-sha-256" for address in addresses]
        local = ["local all all scram-sha-256", f"local replication {ADMIN} scram-sha-256"]
        self._write("pg_hba.conf", "\n".join(local + rules) + "\n")

    def _write(self, name: str, text: str) -> None:
        path = self.data / name
        path.write_text(text)
        self.binaries.account.own(path, 0o600)

    def _fixed(self) -> dict[str, str]:
        site = self.site
        values = {
            "listen_addresses": site.bind,
            "port": str(self.port),
            "unix_socket_directories": str(site.sockets),
            "unix_socket_permissions": "0700",
            "cluster_name": self.name,
            "shared_buffers": self.settings.get("shared_buffers", "64MB"),
            "ssl": "on",
            "ssl_cert_file": str(site.certificate),
            "ssl_key_file": str(site.key),
            "dynamic_library_path": f"{site.stubs(self.binaries)}:$libdir",
            "fsync": "off",
            "full_page_writes": "off",
            "max_wal_size": "512MB",
            "hot_standby": "on",
            "log_line_prefix": "%m [%p] %q%u@%d ",
            "logging_collector": "off",
            "timezone": self.settings.get("timezone", "UTC"),
        }
        if "output_plugin_libraries" in self.binaries.settings:
            values["output_plugin_libraries"] = ", ".join(OUTPUT_PLUGINS)
        if self.standby_of is not None:
            values["primary_conninfo"] = (
                f"host={site.sockets} port={self.standby_of.port} user={ADMIN} passfile={site.passfile}"
                f" application_name={self.name}"
            )
            values["primary_slot_name"] = slot_of(self.name)
        return values


def slot_of(name: str) -> str:
    """Return the physical slot by which the standby ``name`` follows."""
    return "rds_" + name.replace("-", "_")


def _quoted(value: str) -> str:
    return value.replace("\\", "\\\\").replace("'", "''")


def _become_another_cluster(server: Server) -> None:
    """Give a copied data directory its own system identifier; pg_resetwal then repairs the checksum."""
    control = server.data / "global" / "pg_control"
    with control.open("r+b") as file:
        file.write(struct.pack("=Q", time.time_ns() ^ secrets.randbits(30)))
    server.binaries.run("pg_resetwal", "-f", "-D", server.data, check=True)
