"""The SQL that repeats a source change on the target."""

from __future__ import annotations

from collections.abc import Collection

from psycopg import sql

from sandbox.dms.engine.changes import UNCHANGED, Change, Kind, Row
from sandbox.dms.engine.lobs import LobLimit
from sandbox.dms.engine.source import SourceTable

# Types without an equality operator are compared by their text.
NO_EQUALITY = ("json", "xml", "point", "box", "polygon", "line", "lseg", "path", "circle")
Statement = tuple[str, list[str | None]]


class Statements:
    """The statements of one table, composed once for each set of columns."""

    def __init__(self, table: SourceTable, columns: Collection[str], lobs: LobLimit) -> None:
        """``columns``: those the target has, without the ones it generates."""
        self._table = table
        self._columns = frozenset(columns)
        self._types = {column.name: column.type for column in table.columns}
        self._cuts = {column.name: lobs.cut(column.type) for column in table.columns}
        self._texts: dict[tuple[object, ...], str] = {}

    def of(self, change: Change) -> Statement | None:
        """Return the statement for a change, or None for one that DMS passes over in silence."""
        if change.kind is Kind.INSERT:
            return self._insert(change.new or {})
        if change.kind is Kind.UPDATE:
            return self._update(change.old, change.new or {})
        return self._delete(change.old)

    def _insert(self, new: Row) -> Statement:
        names = tuple(name for name in new if name in self._columns)
        return self._text(Kind.INSERT, names, ()), self._values(new, names)

    def _update(self, old: Row | None, new: Row) -> Statement | None:
        where = self._where(new, old)
        if where is None or (old and self._table.key and any(old.get(k) != new.get(k) for k in self._table.key)):
            return None
        names = tuple(
            name
            for name, value in new.items()
            if name in self._columns and value is not UNCHANGED and name not in self._table.key
        )
        if not names:
            return None
        return self._text(Kind.UPDATE, names, tuple(where)), self._values(new, names) + list(where.values())

    def _delete(self, old: Row | None) -> Statement | None:
        where = self._where(old or {}, old)
        return None if where is None else (self._text(Kind.DELETE, (), tuple(where)), list(where.values()))

    def _values(self, row: Row, names: tuple[str, ...]) -> list[str | None]:
        return [
            value[:limit] if value is not None and (limit := self._cuts.get(name)) else value
            for name, value in ((name, row[name]) for name in names)
        ]

    def _where(self, row: Row, old: Row | None) -> Row | None:
        """Return what finds the row: its key, or all of it where the source logs whole rows."""
        if self._table.key:
            found = {name: row[name] for name in self._table.key if name in row}
            return found if len(found) == len(self._table.key) else None
        if self._table.identity == "f" and old:
            return {name: value for name, value in old.items() if name in self._columns}
        return None

    def _text(self, kind: Kind, names: tuple[str, ...], where: tuple[str, ...]) -> str:
        found = self._texts.get((kind, names, where))
        if found is None:
            found = self._texts[(kind, names, where)] = self._compose(kind, names, where).as_string(None)
        return found

    def _compose(self, kind: Kind, names: tuple[str, ...], where: tuple[str, ...]) -> sql.Composed:
        table = quoted(self._table.schema, self._table.name)
        if kind is Kind.INSERT:
            columns = sql.SQL(", ").join(map(quoted, names))
            values = sql.SQL(", ").join([sql.Placeholder()] * len(names))
            return sql.SQL("insert into {} ({}) values ({})").format(table, columns, values)
        condition = self._condition(where)
        if kind is Kind.DELETE:
            return sql.SQL("delete from {} where {}").format(table, condition)
        sets = sql.SQL(", ").join(sql.SQL("{} = %s").format(quoted(name)) for name in names)
        return sql.SQL("update {} set {} where {}").format(table, sets, condition)

    def _condition(self, where: tuple[str, ...]) -> sql.Composable:
        if self._table.key:
            return sql.SQL(" and ").join(sql.SQL("{} = %s").format(quoted(name)) for name in where)
        same = sql.SQL(" and ").join(self._same(name) for name in where)
        # Without a key several rows may be alike; one change touches one of them.
        return sql.SQL("ctid = (select ctid from {} where {} limit 1)").format(
            quoted(self._table.schema, self._table.name), same
        )

    def _same(self, name: str) -> sql.Composed:
        cast = "::text" if self._types.get(name, "").split("(")[0] in NO_EQUALITY else ""
        return sql.SQL("{}" + cast + " is not distinct from %s" + cast).format(quoted(name))


def quoted(*parts: str) -> sql.Identifier:
    """Return an identifier for a statement with placeholders, where a percent sign would begin one."""
    return sql.Identifier(*(part.replace("%", "%%") for part in parts))
