"""Take SQL text apart as far as DDL on tables needs it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

TOKEN = re.compile(
    r"""(?P<skip>\s+|--[^\n]*|/\*.*?\*/)
      | (?P<dollar>\$(?P<tag>[A-Za-z_0-9]*)\$.*?\$(?P=tag)\$)
      | (?P<text>[eE]?'(?:[^']|'')*')
      | (?P<name>"(?:[^"]|"")*")
      | (?P<word>[\w$]+)
      | (?P<sign>.)""",
    re.DOTALL | re.VERBOSE,
)


def statements(text: str) -> list[list[str]]:
    """Return the statements of ``text``, each as its tokens, comments left out."""
    found: list[list[str]] = [[]]
    for piece in _tokens(text):
        if piece == ";":
            found.append([])
        else:
            found[-1].append(piece)
    return [tokens for tokens in found if tokens]


def clauses(tokens: Sequence[str]) -> list[list[str]]:
    """Split at the commas outside parentheses."""
    found: list[list[str]] = [[]]
    depth = 0
    for piece in tokens:
        depth += (piece in "([") - (piece in ")]") if len(piece) == 1 else 0
        if piece == "," and depth == 0:
            found.append([])
        else:
            found[-1].append(piece)
    return found


def skip(tokens: Sequence[str], *phrases: str) -> list[str]:
    """Return ``tokens`` without the phrases they begin with; each is optional."""
    rest = list(tokens)
    for phrase in phrases:
        words = phrase.split()
        if [piece.upper() for piece in rest[: len(words)]] == words:
            rest = rest[len(words) :]
    return rest


def starts(tokens: Sequence[str], phrase: str) -> bool:
    """Tell whether ``tokens`` begin with the words of ``phrase``."""
    words = phrase.split()
    return [piece.upper() for piece in tokens[: len(words)]] == words


def name(piece: str) -> str:
    """Return an identifier as the catalog has it."""
    return piece[1:-1].replace('""', '"') if piece.startswith('"') else piece.lower()


def qualified(tokens: Sequence[str], schema: str) -> tuple[tuple[str, str], list[str]]:
    """Return the table the tokens begin with, ``schema`` if they do not say, and the tokens after it."""
    if len(tokens) >= 3 and tokens[1] == ".":
        return (name(tokens[0]), name(tokens[2])), list(tokens[3:])
    return (schema, name(tokens[0])), list(tokens[1:])


def _tokens(text: str) -> Iterator[str]:
    for match in TOKEN.finditer(text):
        if match.lastgroup != "skip" and not match.group("skip"):
            yield match.group()
