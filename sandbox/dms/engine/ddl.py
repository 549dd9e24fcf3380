"""DDL from the rows of awsdms_ddl_audit: what DMS repeats on the target, and what it passes over."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from psycopg import sql

from sandbox.dms.engine import sql_text
from sandbox.dms.engine.changes import Row
from sandbox.dms.engine.progress import TableName
from sandbox.dms.engine.source import SourceTable, target_type

AUDIT = "awsdms_ddl_audit"
CREATE = ("CREATE TABLE", "CREATE TABLE AS")
TABLE_WORDS = ("GLOBAL", "LOCAL", "TEMPORARY", "TEMP", "UNLOGGED", "TABLE")
AFTER_TYPE = [
    "DEFAULT",
    "NOT",
    "NULL",
    "CONSTRAINT",
    "PRIMARY",
    "UNIQUE",
    "REFERENCES",
    "CHECK",
    "COLLATE",
    "GENERATED",
    "STORAGE",
    "COMPRESSION",
    "USING",
]
NOT_A_COLUMN = ("CONSTRAINT", "PRIMARY", "UNIQUE", "CHECK", "FOREIGN", "EXCLUDE")
Lookup = Callable[[TableName], SourceTable | None]


@dataclass(frozen=True)
class Ddl:
    """A DDL command on a table. ``statements`` is empty for one that DMS does not repeat."""

    table: TableName
    statements: tuple[sql.Composed, ...] = ()
    creates: SourceTable | None = None
    renamed: TableName | None = None


class DdlReader:
    """Reads audit rows. ``lookup``: the table on the source as it is now, if the task's rules take it."""

    def __init__(self, lookup: Lookup, policy: Mapping[str, bool]) -> None:
        self._lookup = lookup
        self._policy = policy
        self._seen: Counter[tuple[str, str]] = Counter()

    def begin(self) -> None:
        """Forget the commands of the transaction before."""
        self._seen.clear()

    def read(self, row: Row) -> list[Ddl]:
        """Return the commands one audit row stands for.

        Every command of a multi-statement query is logged with the whole text: the n-th row of a text means
        its n-th command of that tag.
        """
        tag, text, schema = (row.get(key) or "" for key in ("c_tag", "c_ddlqry", "c_schema"))
        commands = [tokens for tokens in sql_text.statements(text) if _tag(tokens) == tag]
        number = self._seen[tag, text]
        self._seen[tag, text] += 1
        return self._command(tag, commands[number], schema) if number < len(commands) else []

    def _command(self, tag: str, tokens: list[str], schema: str) -> list[Ddl]:
        if tag in CREATE:
            return self._create(tokens, schema)
        if tag == "DROP TABLE":
            return self._drop(tokens, schema)
        return [self._alter(tokens, schema)]

    def _create(self, tokens: list[str], schema: str) -> list[Ddl]:
        rest = tokens[1:]
        while rest and rest[0].upper() in TABLE_WORDS:
            rest = rest[1:]
        name, _ = sql_text.qualified(sql_text.skip(rest, "IF NOT EXISTS"), schema)
        table = self._lookup(name)
        return [Ddl(name, creates=table)] if table else []

    def _drop(self, tokens: list[str], schema: str) -> list[Ddl]:
        names = [
            sql_text.qualified(clause, schema)[0]
            for clause in sql_text.clauses(sql_text.skip(tokens, "DROP TABLE", "IF EXISTS"))
        ]
        if not self._policy.get("HandleSourceTableDropped", True):
            return [Ddl(name) for name in names]
        return [Ddl(name, (sql.SQL("drop table if exists {}").format(sql.Identifier(*name)),)) for name in names]

    def _alter(self, tokens: list[str], schema: str) -> Ddl:
        name, rest = sql_text.qualified(sql_text.skip(tokens, "ALTER TABLE", "IF EXISTS", "ONLY"), schema)
        rest = sql_text.skip(rest, "*")
        if not self._policy.get("HandleSourceTableAltered", True):
            return Ddl(name)
        if sql_text.starts(rest, "RENAME TO"):
            return self._rename(name, sql_text.name(rest[2]))
        table = self._lookup(name)
        found = [statement for clause in sql_text.clauses(rest) for statement in _alteration(name, clause, table)]
        return Ddl(name, tuple(found))

    def _rename(self, old: TableName, new: str) -> Ddl:
        statement = sql.SQL("alter table {} rename to {}").format(sql.Identifier(*old), sql.Identifier(new))
        return Ddl(old, (statement,), creates=self._lookup((old[0], new)), renamed=(old[0], new))


def _tag(tokens: list[str]) -> str:
    words = [token.upper() for token in tokens]
    if (
        words[0] == "CREATE"
        and "TABLE" in words[1:4]
        and all(w in TABLE_WORDS for w in words[1 : words.index("TABLE")])
    ):
        return "CREATE TABLE AS" if _is_as(words) else "CREATE TABLE"
    return " ".join(words[:2])


def _is_as(words: list[str]) -> bool:
    depth = 0
    for word in words:
        depth += {"(": 1, ")": -1}.get(word, 0)
        if word == "AS" and depth == 0:
            return True
    return False


def _alteration(name: TableName, clause: list[str], table: SourceTable | None) -> list[sql.Composed]:
    """Return what one clause of ALTER TABLE becomes: column added, dropped, renamed or of another type."""
    target = sql.Identifier(*name)
    verb = clause[0].upper()
    rest = sql_text.skip(clause[1:], "COLUMN", "IF NOT EXISTS", "IF EXISTS")
    if not rest or rest[0].upper() in NOT_A_COLUMN:
        return []
    column = sql.Identifier(sql_text.name(rest[0]))
    if verb == "ADD":
        return [_typed("alter table {} add column {} ", target, column, rest, table)]
    if verb == "DROP":
        return [sql.SQL("alter table {} drop column {} cascade").format(target, column)]
    if verb == "RENAME" and len(rest) == 3:
        new = sql.Identifier(sql_text.name(rest[2]))
        return [sql.SQL("alter table {} rename column {} to {}").format(target, column, new)]
    changed = sql_text.skip(rest[1:], "SET DATA")
    if verb == "ALTER" and sql_text.starts(changed, "TYPE"):
        return [_retyped(target, column, [rest[0], *changed[1:]], table)]
    return []


def _typed(
    text: str, target: sql.Identifier, column: sql.Identifier, rest: list[str], table: SourceTable | None
) -> sql.Composed:
    return sql.SQL(text).format(target, column) + sql.SQL(_type(rest, table))


def _retyped(
    target: sql.Identifier, column: sql.Identifier, rest: list[str], table: SourceTable | None
) -> sql.Composed:
    type_ = _type(rest, table)
    text = "alter table {} alter column {} type " + type_ + " using {}::text::" + type_
    return sql.SQL(text).format(target, column, column)


def _type(rest: list[str], table: SourceTable | None) -> str:
    """Return the column's type on the target: from the source's catalog, else from the command's own words."""
    for column in table.columns if table else ():
        if column.name == sql_text.name(rest[0]):
            return column.type
    words = rest[1:]
    end = next((i for i, word in enumerate(words) if word.upper() in AFTER_TYPE), len(words))
    return target_type(" ".join(words[:end]), builtin=True)
