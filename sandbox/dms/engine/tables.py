"""The tables of a running task: what the source says of them, and how far each is."""

from __future__ import annotations

from collections.abc import Iterable

import psycopg

from sandbox.dms.engine import decoding_pglogical
from sandbox.dms.engine.ddl import Ddl
from sandbox.dms.engine.full_load import create_table
from sandbox.dms.engine.progress import UNFINISHED, Progress, TableName, TableProgress, TableState
from sandbox.dms.engine.source import SourceTable


class Tables:
    """``known``: by name, as on the source. ``told``: by name, as in the statistics."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self.known: dict[TableName, SourceTable] = {}
        self.told: dict[TableName, TableProgress] = {}

    def choose(self, tables: Iterable[SourceTable]) -> None:
        """Begin the statistics anew with these tables."""
        found = list(tables)
        self._progress.tables[:] = [TableProgress(t.schema, t.name) for t in found]
        self.recall(found)

    def recall(self, tables: Iterable[SourceTable]) -> None:
        """Take up the tables the statistics already have."""
        self.told = {told.key: told for told in self._progress.tables}
        self.known = {(t.schema, t.name): t for t in tables if (t.schema, t.name) in self.told}

    def unfinished(self) -> list[SourceTable]:
        """Return the tables that are still to be loaded."""
        return [table for key, table in self.known.items() if self.told[key].state in UNFINISHED]

    def admit(self, catalog: psycopg.Connection, ddl: Ddl) -> tuple[Ddl, bool]:
        """Take in the table a command makes; tell whether it has to be loaded."""
        table = ddl.creates
        if table is None:
            return ddl, False
        told = self._take(table)
        if ddl.renamed:
            return ddl, False
        create = Ddl(ddl.table, (create_table(table, with_key=True),), table)
        if self._progress.plugin != "pglogical_output":
            return create, False
        if not decoding_pglogical.add_tables(catalog, self._progress.slot or "", set_members([table])):
            return create, False
        # The plugin sends a table's rows only from now on; those already in it have to be loaded.
        told.state = TableState.QUEUED
        return create, True

    def _take(self, table: SourceTable) -> TableProgress:
        key = (table.schema, table.name)
        if key not in self.told:
            self.told[key] = TableProgress(*key, state=TableState.COMPLETED)
            self._progress.tables.append(self.told[key])
        self.known[key] = table
        return self.told[key]


def set_members(tables: Iterable[SourceTable]) -> list[tuple[TableName, bool]]:
    """Return the tables for pglogical's sets, each with whether its updates and deletes can be sent."""
    return [((t.schema, t.name), bool(t.key) and t.identity in "di") for t in tables]
