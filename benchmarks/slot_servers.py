"""PostgreSQL servers full of slots for slot_scan; a few of them stand for many, each reached by many endpoints.

They can be reached in two ways: without TLS or a password, which is the cheapest a server can be, and as on RDS.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sandbox.postgres.ports import free_port
from sandbox.postgres.server import Server
from sandbox.postgres.site import Site, prepare_site

USER = "postgres"
SETTINGS = {"wal_level": "logical", "max_replication_slots": "260", "max_connections": "300", "shared_buffers": "64MB"}
HOW = (("hostssl", "scram-sha-256"), ("hostnossl", "trust"))
MAKE = """
select count(*) from (
    select pg_create_logical_replication_slot('mig_' || lpad(n::text, 4, '0'), 'pgoutput')
    from generate_series(1, %s) as n
) as made
"""


@dataclass(frozen=True)
class Fleet:
    """Servers with slots. ``login``: a password of this run alone."""

    ports: tuple[int, ...]
    ca_file: Path
    login: str = field(repr=False)

    def endpoints(self, count: int) -> list[int]:
        """Return a port for each of ``count`` endpoints."""
        return [self.ports[number % len(self.ports)] for number in range(count)]

    def options(self, *, tls: bool) -> dict[str, Any]:
        """Return libpq's options for the one way of connecting or the other."""
        return {"sslmode": "verify-full", "sslrootcert": str(self.ca_file)} if tls else {"sslmode": "disable"}


@contextmanager
def fleet(directory: Path, *, servers: int, slots: int) -> Iterator[Fleet]:
    """Run ``servers`` servers with ``slots`` logical slots each."""
    directory.mkdir(parents=True, exist_ok=True)
    site = prepare_site(directory)
    password = secrets.token_hex(12)
    running = []
    try:
        for number in range(servers):
            running.append(_server(site, number, password, slots))
        yield Fleet(tuple(server.port for server in running), site.ca_file, password)
    finally:
        for server in running:
            server.remove()
        site.remove()


def _server(site: Site, number: int, password: str, slots: int) -> Server:
    server = Server(site, f"slots-{number}", free_port())
    server.create(owner=USER, password=password, database=None, aurora=False, settings=SETTINGS)
    let_in(server)
    with server.connect() as connection:
        connection.execute(MAKE, (slots,))
    return server


def let_in(server: Server) -> None:
    """Ask for a password over TLS, and for nothing without it; on the socket as before."""
    rules = server.data / "pg_hba.conf"
    local = [line for line in rules.read_text().splitlines() if line.startswith("local")]
    remote = [f"{kind} all all {place} {how}" for kind, how in HOW for place in ("127.0.0.1/32", "::1/128")]
    rules.write_text("\n".join([*local, *remote]) + "\n")
    with server.connect() as connection:
        connection.execute("select pg_reload_conf()")
