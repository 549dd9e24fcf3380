"""Decide what native replication by pglogical needs, names and refuses. Pure.

pglogical makes the slot and copies the rows by itself; ours is what is around that: the tables, the proof, the books.
Source: https://github.com/2ndQuadrant/pglogical/blob/REL2_x_STABLE/docs/README.md
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from pg_cdc.config import Migration, NativeEngine
from pg_cdc.decisions.native import names as native_names
from pg_cdc.decisions.native.publication import MARKER, Scope, keyless
from pg_cdc.decisions.native.world import Name, written
from pg_cdc.decisions.preflight.findings import counted, error, named
from pg_cdc.decisions.teardown.residue import Place
from pg_cdc.decisions.world import Finding, Server, Table

LIBRARY = "pglogical"
PLUGIN = "pglogical_output"
BEFORE, AFTER = ("i",), ("w", "u", "y", "r")
"""Phases of a whole copy that a worker which died in them can go on from; s, d and c are those it cannot."""

EXTENSION, NODE, SET, SUBSCRIPTION = "extension", "node", "replication set", "subscription"


def is_pglogical(migration: Migration) -> bool:
    """Tell whether the migration replicates by pglogical."""
    return migration.native.engine is NativeEngine.PGLOGICAL


def node(migration: Migration, end: Place) -> str:
    """Return what we call the node of a database that has none: the two of a subscription must not be called alike."""
    return f"{native_names.subscription(migration)}_{end.value}"


def replication_set(migration: Migration) -> str:
    """Return the name of the replication set, on the source."""
    return native_names.publication(migration)


def members(scope: Scope, tables: Iterable[Table]) -> frozenset[Name]:
    """Return what the replication set has: each partition by itself, for pglogical knows no parents; and the marker."""
    ordinary = {(table.schema, table.name) for table in tables if table.kind == "r"}
    return frozenset(scope.made & ordinary) | {MARKER}


@dataclass(frozen=True, kw_only=True)
class PglogicalEnd:
    """pglogical in one database. ``version`` None: not there. ``node``: of the database, whoever made it.

    ``made``: kind and name of what this migration has made here.
    """

    version: str | None = None
    schema: str | None = None
    node: str | None = None
    subscriptions: tuple[str, ...] = ()
    sets: tuple[str, ...] = ()
    made: frozenset[tuple[str, str]] = frozenset()


@dataclass(frozen=True, kw_only=True)
class PglogicalCopy:
    """How far the copy of a subscription is. ``sync``: the phase of the whole; ``tables``: listed once copied."""

    status: str
    sync: str
    tables: int
    tables_not_ready: int

    @property
    def is_done(self) -> bool:
        """Tell whether every row is there and changes are applied."""
        return self.sync == "r" and self.tables_not_ready == 0 and self.status == "replicating"

    @property
    def is_broken(self) -> bool:
        """Tell whether its worker died in the middle: pglogical says that it cannot go on from there."""
        return self.status == "down" and self.sync not in (*BEFORE, *AFTER)


def unfit(scope: Scope, tables: Sequence[Table], generated: frozenset[Name]) -> Iterator[str]:
    """Yield, in words, the tables that pglogical cannot replicate."""
    for table in keyless(scope, tables):
        yield f"{table.schema}.{table.name}: without key, of which it replicates only inserts"
    for name in sorted(generated & scope.made):
        yield f"{written(name)}: with a generated column, at which its copy fails and its worker crashes"


def pglogical_findings(
    source: Server, target: Server, scope: Scope, tables: Sequence[Table], generated: frozenset[Name]
) -> Iterator[Finding]:
    """Yield what speaks against pglogical. ``generated``: tables with generated columns."""
    for end, server in (("source", source), ("target", target)):
        yield from _installed(end, server)
    yield from _plugin(source)
    if target.settings.get("log_error_verbosity") != "terse":
        yield error(
            "pglogical_logs_passwords",
            "log_error_verbosity",
            found=f"{target.settings.get('log_error_verbosity') or 'nothing'} on the target",
            expected="terse: pglogical writes its DSN with the password as the detail of an error to the server's log",
            cure="set log_error_verbosity to terse in the target's parameter group (no reboot), or use pgoutput",
        )
    if listed := tuple(unfit(scope, tables, generated)):
        yield error(
            "unfit_for_pglogical",
            "tables.rules",
            found=f"{counted(len(listed), 'table')}: {named(listed)}",
            expected="tables with a key and without generated columns",
            cure="exclude them, or set native.engine to pgoutput",
        )


def _installed(end: str, server: Server) -> Iterator[Finding]:
    if LIBRARY not in server.available_extensions:
        yield error(
            f"pglogical_not_on_{end}",
            end,
            found="no extension pglogical in pg_available_extensions",
            expected="pglogical, which native.engine asks for, on both ends",
            cure="set native.engine to pgoutput",
        )
    elif LIBRARY not in _listed(server, "shared_preload_libraries"):
        yield error(
            f"pglogical_not_preloaded_on_{end}",
            end,
            found=f"shared_preload_libraries {server.settings.get('shared_preload_libraries') or 'empty'}",
            expected="pglogical among them: its workers are started by the server",
            cure=f"add it in the {end}'s parameter group and reboot, or set native.engine to pgoutput",
        )


def _plugin(source: Server) -> Iterator[Finding]:
    allowed = _listed(source, "output_plugin_libraries")
    if allowed and PLUGIN not in allowed:
        yield error(
            "pglogical_plugin_not_allowed",
            "output_plugin_libraries",
            found=", ".join(sorted(allowed)),
            expected=f"{PLUGIN} among them",
            cure="add it on the source; it takes no restart",
        )


def _listed(server: Server, name: str) -> frozenset[str]:
    return frozenset(re.split(r'[\s",]+', server.settings.get(name, ""))) - {""}
