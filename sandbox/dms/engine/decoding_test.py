"""Read the text of PostgreSQL's test_decoding plugin."""

from __future__ import annotations

import datetime as dt
import re

from sandbox.dms.engine.changes import UNCHANGED, Begin, Change, Commit, Kind, Row

HEAD = re.compile(r'table ("(?:[^"]|"")*"|[^."]+)\.("(?:[^"]|"")*"|[^.:"]+): (INSERT|UPDATE|DELETE|TRUNCATE):')
COLUMN = re.compile(r' ("(?:[^"]|"")*"|[^\["]+)\[')
QUOTED = re.compile(r"'([^']*(?:''[^']*)*)'")
BITS = re.compile(r"B'([01]*)'")
BARE = re.compile(r"[^ ]+")
COMMIT = re.compile(r"COMMIT (\d+)(?: \(at ([^)]+)\))?")


def options() -> dict[str, str]:
    """Return what the plugin is asked for."""
    return {"include-xids": "1", "skip-empty-xacts": "0", "include-timestamp": "1"}


class Decoder:
    """Turns payloads into changes. test_decoding has no state."""

    def decode(self, payload: bytes, position: int) -> Begin | Commit | Change | None:
        """Return what one message says. ``position``: its LSN; at a commit, the end of the transaction."""
        text = payload.decode()
        if text.startswith("BEGIN"):
            return Begin()
        if commit := COMMIT.match(text):
            return Commit(position, dt.datetime.fromisoformat(commit.group(2)) if commit.group(2) else None)
        head = HEAD.match(text)
        if head is None:
            return None
        schema, table, action = head.groups()
        if action == "TRUNCATE":
            return None
        return _change((unquote(schema), unquote(table)), Kind[action], text[head.end() :])


def _change(table: tuple[str, str], kind: Kind, rest: str) -> Change:
    if rest == " (no-tuple-data)":
        return Change(kind, table, old=None, new=None)
    if rest.startswith(" old-key:"):
        old, end = _row(rest, len(" old-key:"), stop=" new-tuple:")
        new, _ = _row(rest, end + len(" new-tuple:")) if rest.startswith(" new-tuple:", end) else (None, 0)
        return Change(kind, table, old=old, new=new)
    row, _ = _row(rest, 0)
    return Change(kind, table, old=row, new=None) if kind is Kind.DELETE else Change(kind, table, old=None, new=row)


def _row(text: str, at: int, *, stop: str | None = None) -> tuple[Row, int]:
    row: Row = {}
    while at < len(text) and not (stop and text.startswith(stop, at)):
        column = COLUMN.match(text, at)
        if column is None:
            raise ValueError(f"not a column at {at}: {text[at : at + 80]!r}")
        value, at = _value(text, _after_type(text, column.end()))
        row[unquote(column.group(1))] = value
    return row, at


def _after_type(text: str, at: int) -> int:
    """Return the place after ``]:``; a type name may hold brackets (``integer[]``) and quotes."""
    depth, quoted = 1, False
    while depth or quoted:
        char = text[at]
        if char == '"':
            quoted = not quoted
        elif not quoted:
            depth += (char == "[") - (char == "]")
        at += 1
    return at + 1


def _value(text: str, at: int) -> tuple[str | None, int]:
    if text.startswith("'", at):
        match = QUOTED.match(text, at)
        assert match
        return match.group(1).replace("''", "'"), match.end()
    if text.startswith("B'", at):
        match = BITS.match(text, at)
        assert match
        return match.group(1), match.end()
    match = BARE.match(text, at)
    assert match
    word = match.group()
    if word == "null":
        return None, match.end()
    return (UNCHANGED if word == "unchanged-toast-datum" else word), match.end()


def unquote(name: str) -> str:
    """Return an identifier as the catalog has it."""
    return name[1:-1].replace('""', '"') if name.startswith('"') else name
