"""How long it takes to look at the slots of many servers, as slot hygiene looks, and beside it a psql loop.

``pg_cdc.facts.slots.scan.scan_servers`` is measured: each look is a new connection, and by it every slot as a SlotRow.
With a dead server: one more that takes connections and never says a word.
"""

from __future__ import annotations

import os
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.slot_servers import USER, Fleet, fleet
from benchmarks.table import Row
from sandbox.postgres.binaries import find_binaries

ROOT = Path(__file__).resolve().parents[1]
SERVERS, SLOTS, REAL_SERVERS, RUNS = 200, 200, 4, 5
BAR_SECONDS, BAR_DEAD_SECONDS = 1, 6
LISTING = (
    "select slot_name, plugin, slot_type, database, active, active_pid, wal_status, safe_wal_size,"
    " pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn), age(catalog_xmin) from pg_replication_slots"
)


def rows() -> list[Row]:
    """Measure on the cheapest connections, on those of RDS, and with a dead server among the others."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as place:
        os.chmod(place, 0o755)
        os.environ["AIRFLOW_HOME"] = place
        with fleet(Path(place) / "servers", servers=REAL_SERVERS, slots=SLOTS) as there:
            return [_plain(there), _tls(there), _dead(there)]


def _plain(there: Fleet) -> Row:
    return _row(f"slot scan, {SERVERS} servers x {SLOTS} slots", there, tls=False, bar=BAR_SECONDS)


def _tls(there: Fleet) -> Row:
    return _row(f"slot scan, {SERVERS} servers x {SLOTS} slots, TLS and password", there, tls=True, bar=None)


def _dead(there: Fleet) -> Row:
    servers = credentials(there, SERVERS, tls=False)
    with silence() as port:
        took = scan({**servers, "dead": next(iter(credentials_at([port], there, tls=False)))}, dead=1)
    verdict = "ok" if took <= BAR_DEAD_SECONDS else "over the bar"
    return Row("slot scan, one dead server among them", f"{took:.2f} s", "", f"{BAR_DEAD_SECONDS} s", verdict)


def _row(what: str, there: Fleet, *, tls: bool, bar: int | None) -> Row:
    servers = credentials(there, SERVERS, tls=tls)
    took = min(scan(servers) for _ in range(RUNS))
    loop = psql_loop(there, tls=tls)
    verdict = "" if bar is None else "ok" if took <= bar else "over the bar"
    return Row(
        what, f"{took:.2f} s", f"{took / loop:.2f} x psql loop ({loop:.1f} s)", f"{bar} s" if bar else "", verdict
    )


def credentials(there: Fleet, count: int, *, tls: bool) -> dict[str, Any]:
    """Return the credentials of ``count`` endpoints."""
    ports = there.endpoints(count)
    return {f"source-{n}": one for n, one in enumerate(credentials_at(ports, there, tls=tls))}


def credentials_at(ports: list[int], there: Fleet, *, tls: bool) -> Iterator[Any]:
    """Yield the credentials for each port."""
    from pg_cdc.hooks.postgres import Credentials

    for port in ports:
        options = there.options(tls=tls)
        yield Credentials(
            user=USER, password=there.login, host="localhost", port=port, dbname="postgres", options=options
        )


def scan(servers: Mapping[str, Any], *, dead: int = 0) -> float:
    """Return the seconds of one scan. Raises when a slot was missed."""
    from pg_cdc.facts.slots.scan import SlotScan, scan_servers

    started = time.perf_counter()
    found = scan_servers(servers)
    took = time.perf_counter() - started
    seen = [len(one.slots) for one in found.values() if isinstance(one, SlotScan)]
    if seen != [SLOTS] * (len(servers) - dead):
        raise RuntimeError(f"{len(seen)} of {len(servers)} servers answered, with {sum(seen)} slots")
    return took


def psql_loop(there: Fleet, *, tls: bool) -> float:
    """Return the seconds of a shell loop that asks one server after the other by psql."""
    options = " ".join(f"{key}={value}" for key, value in there.options(tls=tls).items())
    psql = find_binaries().bindir / "psql"
    place = f"host=localhost port=$port user={USER} dbname=postgres {options}"
    script = f'for port in "$@"; do {psql} "{place}" -XAtqc "$QUERY"; done'
    ports = [str(port) for port in there.endpoints(SERVERS)]
    started = time.perf_counter()
    out = subprocess.run(
        ["sh", "-c", script, "sh", *ports],
        env={**os.environ, "PGPASSWORD": there.login, "QUERY": LISTING},
        stdout=subprocess.PIPE,
        check=True,
    ).stdout
    took = time.perf_counter() - started
    if len(out.splitlines()) != SERVERS * SLOTS:
        raise RuntimeError(f"psql listed {len(out.splitlines())} slots")
    return took


@contextmanager
def silence() -> Iterator[int]:
    """Listen, and never answer."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield server.getsockname()[1]
