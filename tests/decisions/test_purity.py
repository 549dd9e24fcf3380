"""Decisions know no cloud, no database, no clock and no Airflow: nothing that they import does."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DECISIONS = ROOT / "plugins" / "pg_cdc" / "decisions"
IMPURE = frozenset(
    [
        "airflow",
        "boto3",
        "botocore",
        "psycopg",
        "psycopg2",
        "asyncpg",
        "sqlalchemy",
        "os",
        "time",
        "datetime",
        "random",
        "secrets",
        "socket",
        "pathlib",
        "subprocess",
        "threading",
        "asyncio",
        "requests",
        "urllib",
        "http",
        "logging",
        "uuid",
        "tempfile",
        "shutil",
        "io",
        "sys",
    ]
)
PURE_NEIGHBOURS = (
    "pg_cdc.decisions",
    "pg_cdc.config",
    "pg_cdc.config.teardown",
    "pg_cdc.config.replica",
    "pg_cdc.failures",
)
FORBIDDEN_CALLS = frozenset({"open", "print", "input", "exec", "eval", "__import__"})
FILES = sorted(DECISIONS.rglob("*.py"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(DECISIONS)))
def test_a_decision_imports_nothing_that_has_effects(file):
    tree = ast.parse(file.read_text())

    for name in imported(tree):
        assert name.split(".")[0] not in IMPURE, f"{file.name} imports {name}"
        if name.startswith("pg_cdc"):
            assert name.startswith(PURE_NEIGHBOURS), f"{file.name} imports {name}"


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(DECISIONS)))
def test_a_decision_reads_and_writes_nothing(file):
    calls = (node.func for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.Call))

    assert not {call.id for call in calls if isinstance(call, ast.Name)} & FORBIDDEN_CALLS


def test_importing_all_decisions_imports_no_client():
    paths = (file.relative_to(ROOT / "plugins").with_suffix("") for file in FILES if file.stem != "__init__")
    modules = [".".join(path.parts) for path in paths]
    script = (
        f"import sys; sys.path.insert(0, {str(ROOT / 'plugins')!r}); import {', '.join(modules)}; "
        "print(sorted({m.split('.')[0] for m in sys.modules} & set('airflow boto3 botocore psycopg'.split())))"
    )

    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=500)

    assert done.stdout.strip() == "[]"


def imported(tree: ast.AST):
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "absolute imports only"
            yield node.module or ""
