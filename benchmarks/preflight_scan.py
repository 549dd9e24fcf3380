"""Preflight of 10,000 tables: all it reads of the source and decides, against asking for each table by itself.

A real PostgreSQL of its own, with ten columns in every table: some LOBs, some types that change, identities.
"""

from __future__ import annotations

import os
import secrets
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.table import Row

ROOT = Path(__file__).resolve().parents[1]
TABLES = 10_000
RUNS = 5
ASKED_SINGLY = 200
BAR_SECONDS = 0.5
BATCH = 250
SETTINGS = {"wal_level": "logical", "fsync": "off"}
MAKE = """
DO $$ BEGIN FOR i IN {first}..{last} LOOP EXECUTE format(
  'CREATE TABLE shop.t%s (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, a varchar(10), b date, c timestamptz,'
  ' d boolean, e numeric(10, 2), f smallint, g %s, h uuid, j real)',
  i, (ARRAY['text', 'numeric', 'jsonb', 'varchar(40)', 'bytea'])[1 + i % 5]); END LOOP; END $$
"""
SINGLY = """
SELECT att.attname, format_type(att.atttypid, att.atttypmod), rel.relreplident, key.conkey
FROM pg_class AS rel
JOIN pg_attribute AS att ON att.attrelid = rel.oid AND att.attnum > 0
LEFT JOIN pg_constraint AS key ON key.conrelid = rel.oid AND key.contype = 'p'
WHERE rel.oid = %s::regclass
"""


def rows() -> list[Row]:
    """Measure reading and deciding; the median of several runs."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as place, _server(Path(place)) as server, server.connect() as conn:
        _make_tables(conn)
        read = _median(lambda: _read(conn))
        facts = _read(conn)
        decide = _median(lambda: _decide(*facts))
        computing = _cpu_seconds(conn, lambda: _decide(*_read(conn)))
        return _told(read, decide, computing, _singly(conn), len(facts[1]))


def _told(read: float, decide: float, computing: float, singly: float, tables: int) -> list[Row]:
    total = read + decide
    verdict = "ok" if total <= BAR_SECONDS else "over the bar"
    ratio = f"{total / singly:.3f} x one query for each table"
    return [
        Row(f"preflight of {tables:,} tables", f"{total:.3f} s", ratio, BAR_SECONDS, verdict),
        Row("of it, reading", f"{read:.3f} s"),
        Row("of it, deciding", f"{decide:.3f} s"),
        Row("CPU time of it, the server's included", f"{computing:.3f} s"),
    ]


@contextmanager
def _server(place: Path) -> Iterator[Any]:
    from sandbox.postgres.ports import free_port
    from sandbox.postgres.server import Server
    from sandbox.postgres.site import prepare_site

    os.chmod(place, 0o755)
    site = prepare_site(place)
    server = Server(site, "preflight", free_port())
    server.create(owner="postgres", password=secrets.token_hex(12), database=None, aurora=False, settings=SETTINGS)
    try:
        yield server
    finally:
        server.remove()
        site.remove()


def _make_tables(conn: Any) -> None:
    conn.execute("CREATE SCHEMA shop")
    for first in range(1, TABLES + 1, BATCH):
        conn.execute(MAKE.format(first=first, last=first + BATCH - 1))
    conn.execute("VACUUM ANALYZE")
    conn.execute("SET search_path = pg_catalog")


def _read(conn: Any) -> tuple[Any, Any, Any]:
    from pg_cdc.facts.postgres import read_server, read_tables
    from pg_cdc.facts.shapes import read_shapes

    return read_server(conn), read_tables(conn), read_shapes(conn, _migration())


def _decide(server: Any, tables: Any, shapes: Any) -> list[Any]:
    from pg_cdc.decisions.preflight.tables import table_findings

    return list(table_findings(_migration(), server, tables, shapes, server))


def _migration() -> Any:
    from pg_cdc.config import Migration

    return Migration.model_validate({"tables": {"rules": [{"schema": "shop", "table": "%"}]}})


def _median(run: Callable[[], Any]) -> float:
    run()
    taken = []
    for _ in range(RUNS):
        began = time.perf_counter()
        run()
        taken.append(time.perf_counter() - began)
    return statistics.median(taken)


def _cpu_seconds(conn: Any, run: Callable[[], Any]) -> float:
    """Return the CPU time of ``run``, ours and that of the connection's server process: it tells of a busy machine."""

    def spent() -> float:
        fields = Path(f"/proc/{conn.info.backend_pid}/stat").read_text().rpartition(")")[2].split()
        return time.process_time() + sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK")

    before = spent()
    for _ in range(RUNS):
        run()
    return (spent() - before) / RUNS


def _singly(conn: Any) -> float:
    """Return the seconds that a query for each table would take."""
    began = time.perf_counter()
    for number in range(1, ASKED_SINGLY + 1):
        conn.execute(SINGLY, (f"shop.t{number}",)).fetchall()
    return (time.perf_counter() - began) * TABLES / ASKED_SINGLY
