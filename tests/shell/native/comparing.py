"""Say whether the two ends are equal, once nothing is on its way."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from sandbox.demo.compare import compare_schema

WAIT_SECONDS = 240


def eventually(check: Callable[[], Any], what: str) -> Any:
    ends = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < ends:
        if found := check():
            return found
        time.sleep(0.05)
    raise AssertionError(f"waited {WAIT_SECONDS} s for {what}")


def drain(pair: Any) -> None:
    query = "select bool_and(confirmed_flush_lsn >= %s::pg_lsn) from pg_replication_slots where database = %s"
    with pair.on_source() as conn:
        lsn = conn.execute("select pg_current_wal_lsn()").fetchone()[0]
        eventually(lambda: conn.execute(query, (lsn, pair.name)).fetchone()[0], f"the slot to confirm {lsn}")


def unequal(pair: Any) -> list[str]:
    drain(pair)
    with pair.on_source() as source, pair.on_target() as target:
        return [f"{one.table}: {one.reason}" for one in compare_schema(source, target, "shop") if not one.equal]
