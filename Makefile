# The front doors. Every target sets up what it needs first, once.
.DEFAULT_GOAL := help
.PHONY: help demo sandbox test test-all test-matrix test-airflow32 check bench lock reference clean setup

PYTHON := .venv/bin/python
PYTEST := $(PYTHON) -m pytest -n 3 --dist loadscope --no-loadscope-reorder --durations 25
# What Airflow's version can change: parsing, serialisation, whole runs, and what steps ask of Airflow.
AIRFLOW_TESTS := tests/dags tests/shell/test_base.py tests/shell/test_approval.py tests/shell/test_links.py \
  tests/shell/test_airflow_versions.py tests/shell/test_report_step.py tests/shell/test_hooks_memo.py tests/shell/hygiene/test_notify.py \
  tests/shell/hygiene/test_metrics.py tests/shell/hygiene/test_hygiene_steps.py
export ENGINE
export SOURCE
export TARGET
export ONCE
export TEARDOWN
export PG_CDC_UI_PORT
export PG_CDC_SANDBOX_PORT

help: ## List the targets
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z0-9-]+):.*## (.*)/\1\t\2/' | expand -t 16

setup: ## Python packages and PostgreSQL, when missing
	@bin/setup

demo: setup ## A whole migration, from stock settings to streaming, with Airflow's UI; ONCE=1, TEARDOWN=1, ENGINE, SOURCE and TARGET: see README.md
	@exec $(PYTHON) -m sandbox.demo

sandbox: setup ## The AWS sandbox with the demo's shop in it, without Airflow
	@exec $(PYTHON) -m sandbox.demo --sandbox-only

test: ## The tests: all but more cases of what these have others of
	@bin/setup tests
	$(PYTEST) -m "not exhaustive"

test-all: ## Every test
	@bin/setup tests
	$(PYTEST)

test-matrix: ## PostgreSQL 13, 15 and 17 as source and target; makes the majors that are missing, as root on Debian
	@bin/setup tests
	@majors=$$(bin/postgres-majors 13 15 17) && PG_BINDIRS=$$majors $(PYTHON) -m pytest tests/matrix --durations 0

test-airflow32: ## The DAGs, in Airflow's own services too, and the steps as Airflow runs them, on Airflow 3.2
	@bin/setup tests
	@python=$$(bin/airflow-venv 3.2) && exec "$$python" -m pytest -m "not exhaustive" $(AIRFLOW_TESTS) tests/e2e

check: setup ## Lint, types, SQL headers, generated docs
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m mypy
	$(PYTHON) docs/generate.py --check
	$(PYTHON) -m pytest tests/sql/test_sql_headers.py

bench: setup ## The benchmarks, as a table with ratios
	$(PYTHON) -m benchmarks

lock: setup ## Compile requirements.lock from pyproject.toml
	.venv/bin/uv pip compile pyproject.toml --universal --python-version 3.11 --all-extras --generate-hashes \
	  --no-header --no-annotate --no-emit-index-url -o requirements.lock

reference: setup ## Write the pages of docs/reference/ that are made from code
	$(PYTHON) docs/generate.py

clean: ## Stop what a killed demo left running; remove all that was made here
	@if [ -x $(PYTHON) ]; then $(PYTHON) -m sandbox.demo --clean; fi
	rm -rf .venv .airflow .sandbox reports test-artifacts .pytest_cache .mypy_cache .ruff_cache .hypothesis dist .postgres .venv-airflow-*
