"""docs/coverage.md leaves no cell empty, and names only DAG tasks and tests that are there."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "coverage.md").read_text()
TASK = re.compile(r"`(pg_cdc_\w+)\.(\w+)`")
TEST = re.compile(r"`([\w/]+\.py)::(\w+)`")
DOCUMENTS = 5


class Row(NamedTuple):
    """A step of a document: what does it, and what proves it."""

    step: str
    done_by: str
    proof: str


def rows() -> list[Row]:
    lines = [line for line in PAGE.splitlines() if line.startswith("| ")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    assert {len(one) for one in cells} == {3}
    return [Row(*one) for one in cells if one[0] != "the document says"]


ROWS = rows()


@cache
def tasks_of() -> dict[str, set[str]]:
    """Return the tasks of each DAG, as its file names them."""
    found = {}
    for path in (ROOT / "dags").glob("*.py"):
        text = path.read_text()
        for dag_id in re.findall(r'dag_id="(\w+)"', text):
            found[dag_id] = set(re.findall(r'task_id="(\w+)"', text))
    return found


@cache
def functions_of(path: str) -> set[str]:
    """Return the test functions of a file, those in classes too."""
    tree = ast.parse((ROOT / "tests" / path).read_text())
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


def test_every_document_is_there_with_its_steps():
    sections = re.split(r"^## ", PAGE, flags=re.MULTILINE)[1:]

    assert len(sections) == DOCUMENTS
    assert all(section.count("\n| ") > 5 for section in sections)


@pytest.mark.parametrize("row", ROWS, ids=[row.step[:60] for row in ROWS])
def test_a_row_says_what_does_the_step_and_what_proves_it(row):
    assert all(row)
    assert row.done_by.startswith("Out of reach") or TASK.search(row.done_by)
    for dag_id, task_id in TASK.findall(" ".join(row)):
        assert task_id in tasks_of().get(dag_id, ()), f"no task {task_id} in {dag_id}"
    named = TEST.findall(row.proof)
    assert named, "no test is named"
    for path, test in named:
        assert test in functions_of(path), f"no {test} in {path}"


def test_a_step_that_is_out_of_reach_says_why_and_what_is_done_instead():
    for row in ROWS:
        if row.done_by.startswith("Out of reach"):
            assert ": " in row.done_by or "; " in row.done_by, row.step
            assert len(TEST.sub("", row.proof)) > 10 or TEST.search(row.proof), row.step
