"""A parse of a DAG file imports nothing heavy, and of our own code only what a DAG is made of."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DAGS = sorted(path.stem for path in (ROOT / "dags").glob("*.py"))
HEAVY = (
    "boto3",
    "botocore",
    "psycopg",
    "psycopg2",
    "asyncpg",
    "airflow.providers.amazon.aws",
    "airflow.providers.postgres.hooks",
    "airflow.providers.common.sql.hooks",
    "airflow.providers.standard.operators.trigger_dagrun",
)
AREAS = ("pg_cdc.facts.", "pg_cdc.hooks.", "pg_cdc.waits.", "pg_cdc.triggers.", "pg_cdc.decisions.")
LIGHT = {
    "pg_cdc.decisions.instances",
    "pg_cdc.decisions.names",
    "pg_cdc.decisions.outcome",
    "pg_cdc.decisions.problem",
    "pg_cdc.hooks.memo",
}
"""What every parse may read: no more, for each class is compiled anew in every process."""

PARSE = """
import importlib, json, os, sys
import airflow.sdk
sys.path[:0] = [sys.argv[1] + "/plugins", sys.argv[1] + "/dags"]
for dag in sys.argv[2:]:
    sys.stdout.flush()
    if os.fork() == 0:
        importlib.import_module(dag)
        print(json.dumps([dag, sorted(sys.modules)]))
        break
    assert os.wait()[1] == 0, dag
"""
"""Parses each DAG file in a process of its own, forked once Airflow's SDK is there, as Airflow's processor does."""


@pytest.fixture(scope="module")
def imported() -> dict[str, set[str]]:
    """Return the modules that were there after the parse, by DAG file."""
    command = [sys.executable, "-c", PARSE, str(ROOT), *DAGS]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=500)
    lines = (json.loads(line) for line in done.stdout.splitlines() if line.startswith('["'))
    return {dag: set(modules) for dag, modules in lines}


@pytest.mark.parametrize("dag", DAGS)
def test_a_parse_imports_nothing_heavy(imported, dag):
    assert dag in imported[dag]
    assert imported[dag].isdisjoint(HEAVY)


@pytest.mark.parametrize("dag", DAGS)
def test_a_parse_imports_no_facts_hooks_or_waits_and_only_light_decisions(imported, dag):
    assert {name for name in imported[dag] if name.startswith(AREAS)} <= LIGHT
