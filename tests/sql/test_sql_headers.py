"""Every SQL file says what it is, where it runs, what it needs, and how it is undone."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

DIRECTORY = Path(__file__).resolve().parents[2] / "include" / "sql"
FILES = sorted(path.relative_to(DIRECTORY).as_posix() for path in DIRECTORY.rglob("*.sql"))
MAKERS = [name for name in FILES if re.search(r"/(create|install)_", name)]
VERBS = (
    "add", "check", "close", "confirm", "count", "create", "drop", "enable", "finish", "flush", "forget", "grant",
    "hand", "identify", "install", "list", "note", "read", "record", "release", "revoke", "set", "take", "write",
)  # fmt: skip


def header(name: str) -> dict[str, str]:
    fields: dict[str, str] = {}
    last = ""
    for line in (DIRECTORY / name).read_text().splitlines():
        if not line.startswith("--"):
            break
        text = line.removeprefix("--")
        if match := re.match(r" (Runs on|Needs|Creates|Drops|Reads|Source|Why):\s+(.*)", text):
            last = match[1]
            fields[last] = match[2]
        elif last:
            fields[last] += " " + text.strip()
        else:
            fields["What"] = text.strip()
    needs, _, undo = fields.get("Needs", "").partition("Undo:")
    return {**fields, "Needs": needs.strip(), "Undo": undo.strip()}


@pytest.mark.parametrize("name", FILES)
def test_a_file_says_what_it_does_where_it_runs_and_what_it_needs(name):
    found = header(name)

    assert found["What"].endswith((".", ":")) or "." in found["What"]
    assert found["Runs on"] and found["Needs"]
    assert {"Creates", "Drops", "Reads"} & set(found)
    assert found["Source"].startswith("https://")
    assert name.split("/")[1].split("_")[0] in VERBS


@pytest.mark.parametrize("name", MAKERS)
def test_what_makes_something_names_the_file_that_undoes_it(name):
    undo = re.match(r"(drop_\w+\.sql)", header(name)["Undo"])

    assert undo, f"{name} names no drop_*.sql as Undo"
    assert (DIRECTORY / name).with_name(undo[1]).is_file()
