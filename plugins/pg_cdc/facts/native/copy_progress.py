"""Read how far each COPY is, from the target itself. Changes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from pg_cdc.decisions.versions import Feature, supports
from pg_cdc.facts.postgres import read_rows
from pg_cdc.failures import NotYet

if TYPE_CHECKING:
    from pg_cdc.decisions.native.world import Name
    from pg_cdc.hooks.postgres import Credentials


def read_copied_rows(target: Credentials, sessions: Mapping[Name, int]) -> dict[Name, int | None]:
    """Return the rows that each session has copied; None: the server does not tell. ``sessions``: table to pid."""
    found: dict[Name, int | None] = dict.fromkeys(dict(sessions))
    try:
        with target.connect() as conn:
            if not found or not supports(conn.info.server_version, Feature.COPY_PROGRESS):
                return found
            rows = read_rows(conn, "native/list_copy_progress.sql", {"pids": list(sessions.values())})
    except NotYet:
        return found
    by_pid = {row["pid"]: row["rows"] for row in rows}
    return {name: by_pid.get(sessions.get(name)) for name in found}
