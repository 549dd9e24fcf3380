"""Read what a native migration has come to, for its report. Changes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pg_cdc.decisions import names
from pg_cdc.decisions.native.pglogical import is_pglogical
from pg_cdc.facts.native.objects import read_load
from pg_cdc.facts.native.pglogical import read_copy, read_set
from pg_cdc.facts.native.stream import read_stream
from pg_cdc.facts.postgres import read_server
from pg_cdc.facts.rds import read_database
from pg_cdc.facts.result import Result
from pg_cdc.facts.row_counts import count_rows, too_large
from pg_cdc.hooks.postgres import source_credentials, target_credentials
from pg_cdc.hooks.rds import CdcRdsHook

if TYPE_CHECKING:
    from psycopg import Connection

    from pg_cdc.config import Migration
    from pg_cdc.decisions.native.world import LoadedTable, Name
    from pg_cdc.hooks.postgres import Credentials


def read_native_result(migration: Migration) -> Result:
    """Return everything that can be read now."""
    result = Result()
    hook = CdcRdsHook.of(migration)
    database = result.read("the source", lambda: read_database(hook, migration.source.identifier))
    if database is None:
        return result
    result.source = {"engine": database.engine.value, "version": database.version, "host": database.host}
    source = result.read("the source's login", lambda: source_credentials(migration, database))
    target = result.read("the target's login", lambda: target_credentials(migration, hook))
    if source is not None:
        result.read("the source server", lambda: _read_settings(result, source))
    if source is not None and target is not None:
        result.read("the stream", lambda: _read_stream(result, migration, source, target))
        result.read("the tables", lambda: _read_tables(result, migration, source, target))
    return result


def _read_settings(result: Result, source: Credentials) -> None:
    with source.connect() as conn:
        result.settings = read_server(conn).settings


def _read_stream(result: Result, migration: Migration, source: Credentials, target: Credentials) -> None:
    told = read_stream(source, target, migration).told()
    result.slot = told["slot"]
    result.marker = told["marker"] if told["marker"]["seconds"] is not None else {}


def _read_tables(result: Result, migration: Migration, source: Credentials, target: Credentials) -> None:
    """Read states and counts, the source last: what is written meanwhile shows as a target that is behind."""
    with source.connect() as here, target.connect() as there:
        states = _states(here, there, migration)
        wanted = sorted(name for name in states if name[0] != names.CONTROL_SCHEMA)
        large = too_large(here, wanted)
        target_rows = count_rows(there, wanted, estimated=large)
        source_rows = count_rows(here, wanted, estimated=large)
    result.tables = [
        {
            "schema": name[0],
            "table": name[1],
            "source_rows": source_rows.get(name),
            "target_rows": target_rows.get(name),
            **states[name],
        }
        for name in wanted
    ]


def _states(source: Connection[Any], target: Connection[Any], migration: Migration) -> dict[Name, dict[str, Any]]:
    """Return, for each table, whether it is loaded and what the load came to; pglogical does not tell the latter."""
    if is_pglogical(migration):
        copy = read_copy(target, migration)
        state = "loaded" if copy is not None and copy.is_done else "not loaded"
        return {name: _state(state, None) for name in read_set(source, migration) or ()}
    facts = read_load(source, target, migration)
    point = facts.snapshot.consistent_point if facts.snapshot else None
    done = {table.name: facts.loaded.get(table.name) for table in facts.published}
    return {
        name: _state("loaded" if one and one.consistent_point == point else "not loaded", one)
        for name, one in done.items()
    }


def _state(state: str, done: LoadedTable | None) -> dict[str, Any]:
    return {
        "state": state,
        "loaded_rows": done.rows if done else None,
        "loaded_bytes": done.bytes if done else None,
        "loaded_seconds": done.seconds if done else None,
    }
