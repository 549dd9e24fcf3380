"""What pglogical needs, and what it cannot replicate."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pg_cdc.decisions.native.pglogical import PglogicalCopy, pglogical_findings
from pg_cdc.decisions.native.publication import Scope
from pg_cdc.decisions.world import Table
from tests.decisions.parameters.parameter_world import server

READY = {"shared_preload_libraries": "pg_stat_statements, pglogical", "log_error_verbosity": "terse"}
BOTH = replace(server(), available_extensions=("pglogical",), settings=READY)
ORDERS = Table(schema="shop", name="orders", kind="r", has_primary_key=True)
SCOPE = Scope(published=frozenset({("shop", "orders")}), made=frozenset({("shop", "orders")}), left_out=frozenset())


def codes(source=BOTH, target=BOTH, tables=(ORDERS,), generated=frozenset()) -> list[str]:
    return [one.code for one in pglogical_findings(source, target, SCOPE, tables, generated)]


def with_settings(**values: str):
    return replace(BOTH, settings={**READY, **values})


@pytest.mark.parametrize(
    ("given", "found"),
    [
        pytest.param({}, [], id="nothing-in-the-way"),
        pytest.param(
            {"source": replace(BOTH, available_extensions=())}, ["pglogical_not_on_source"], id="not-on-the-source"
        ),
        pytest.param(
            {"target": with_settings(shared_preload_libraries="")},
            ["pglogical_not_preloaded_on_target"],
            id="not-preloaded-on-the-target",
        ),
        pytest.param(
            {"source": with_settings(output_plugin_libraries="pgoutput, test_decoding")},
            ["pglogical_plugin_not_allowed"],
            id="not-on-the-list-of-plugins",
        ),
        pytest.param(
            {"source": with_settings(output_plugin_libraries="pgoutput, pglogical_output")}, [], id="on-the-list"
        ),
        pytest.param(
            {"target": with_settings(log_error_verbosity="default")},
            ["pglogical_logs_passwords"],
            id="a-target-that-logs-details",
        ),
        pytest.param({"source": with_settings(log_error_verbosity="default")}, [], id="the-source-connects-nowhere"),
        pytest.param(
            {"tables": (replace(ORDERS, has_primary_key=False),)}, ["unfit_for_pglogical"], id="without-a-key"
        ),
        pytest.param({"generated": frozenset({("shop", "orders")})}, ["unfit_for_pglogical"], id="generated-column"),
        pytest.param({"generated": frozenset({("shop", "other")})}, [], id="generated-column-elsewhere"),
    ],
)
def test_what_speaks_against_pglogical(given, found):
    assert codes(**given) == found


@pytest.mark.parametrize(
    ("status", "sync", "done", "broken"),
    [
        pytest.param("initializing", "d", False, False, id="copying"),
        pytest.param("down", "d", False, True, id="its-worker-died-in-the-copy"),
        pytest.param("down", "i", False, False, id="not-begun-yet"),
        pytest.param("down", "r", False, False, id="copied-and-between-two-workers"),
        pytest.param("replicating", "r", True, False, id="done"),
        pytest.param("disabled", "r", False, False, id="disabled"),
    ],
)
def test_how_far_a_copy_is(status, sync, done, broken):
    copy = PglogicalCopy(status=status, sync=sync, tables=1, tables_not_ready=0)

    assert (copy.is_done, copy.is_broken) == (done, broken)
