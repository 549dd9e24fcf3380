"""docs/findings.md has every code that preflight can find, with its severity, and every check of AWS's assessment."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "findings.md").read_text()
PACKAGE = ROOT / "plugins" / "pg_cdc"
SOURCES = [
    *sorted((PACKAGE / "decisions" / "preflight").glob("*.py")),
    *(PACKAGE / "decisions" / name for name in ("parameters/wishes.py", "replicas/meaning.py", "replicas/reading.py")),
    PACKAGE / "facts" / "survey.py",
]
SEVERITIES = {name: {name} for name in ("error", "unknown", "warning", "note")} | {
    "make": {"error", "warning"},
    "_error": {"error"},
}
ASSESSMENT = (
    "ddl-event-trigger", "postgis-data-type", "session-replication-role", "similar-table-name", "table-with-array",
    "batch-apply-target-pk-ui-absence", "batch-apply-target-pk-ui-simultaneously", "target-secondary-indexes",
    "dbversion", "for-logical-decoding-work-mem", "longrunningtxn", "maxslot-wal-keep-size", "maxwalsenders",
    "pglogical", "pk-lob", "pk", "preparedtxn", "walsenderstimeout", "wallevel", "limited-lob-size", "pk-validity",
    "target-privileges", "replication-slots-count", "select-object-privileges", "postgres-batch-apply-lob-mode",
    "unsupported-data-types-in-source", "table-with-no-primary-key-or-unique-constraint",
    "table-with-lob-but-without-primary-key-or-unique-constraint", "full-lob-not-nullable-at-target",
)  # fmt: skip


def found_in_code() -> dict[str, set[str]]:
    codes: dict[str, set[str]] = {}
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text())):
            for code, severities in findings_of(node):
                codes.setdefault(code, set()).update(severities)
    return codes


def findings_of(node: ast.AST) -> Iterator[tuple[str, set[str]]]:
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
        return
    name, arguments = node.func.id, node.args
    if name == "Saying":
        name, arguments = arguments[0].id, arguments[1:]
    if name in SEVERITIES and isinstance(arguments[0], ast.Constant | ast.IfExp):
        for part in ast.walk(arguments[0]):
            if isinstance(part, ast.Constant):
                yield part.value, SEVERITIES[name]


def told_on_the_page() -> dict[str, set[str]]:
    rows = re.findall(r"^\| `(\w+)` \| ([a-z ]+) \|", PAGE, flags=re.MULTILINE)
    return {code: set(severity.split(" or ")) for code, severity in rows}


def test_the_page_has_the_codes_of_the_code_and_no_others_with_their_severities():
    code = found_in_code() | {"no_free_slot": {"error"}, "no_free_sender": {"error"}}

    assert told_on_the_page() == code


def test_no_code_is_told_twice():
    told = re.findall(r"^\| `(\w+)` \|", PAGE, flags=re.MULTILINE)

    assert len(told) == len(set(told))


@pytest.mark.parametrize("check", ASSESSMENT)
def test_every_check_of_the_premigration_assessment_has_its_place(check):
    assert f"`{check}`" in PAGE


def test_every_row_says_what_it_means_and_what_to_do():
    for row in re.findall(r"^\| `\w+` \|.*$", PAGE, flags=re.MULTILINE):
        cells = [cell.strip() for cell in row.strip("|").split("|")]
        assert len(cells) == 5
        assert all(cells[:4])
