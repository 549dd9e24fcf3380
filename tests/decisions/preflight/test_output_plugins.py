"""A server that lists the plugins it takes is asked before anything is made on it; one that does not takes any."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pg_cdc.config import Migration, Plugin
from pg_cdc.decisions.dms.endpoints import plugin_name
from pg_cdc.decisions.output_plugins import may_decode_with
from pg_cdc.decisions.parameters.rules import wants_pglogical
from pg_cdc.decisions.preflight.checks import preflight
from pg_cdc.decisions.preflight.keys import planned_plugin
from tests.decisions.preflight.test_preflight import CLUSTER_GROUP, FINE, SERVER

CORE = {"output_plugin_libraries": "pgoutput, test_decoding"}
WITH_PGLOGICAL = {"output_plugin_libraries": "pgoutput, test_decoding, pglogical_output"}
ONLY_NATIVE = {"output_plugin_libraries": "pgoutput"}
PRELOADED = {"shared_preload_libraries": "pg_stat_statements,pglogical"}


@pytest.mark.parametrize(
    ("settings", "library", "may"),
    [
        pytest.param({}, "pglogical_output", True, id="older-minor-releases-take-any"),
        pytest.param(CORE, "test_decoding", True, id="listed"),
        pytest.param(CORE, "pglogical_output", False, id="not-listed"),
        pytest.param({"output_plugin_libraries": ""}, "pgoutput", False, id="none-is-listed"),
        pytest.param({"output_plugin_libraries": '"wal2json",$libdir/pgoutput'}, "pgoutput", True, id="with-its-path"),
        pytest.param({"output_plugin_libraries": '"wal2json"'}, "wal2json", True, id="quoted"),
        pytest.param({"output_plugin_libraries": "pglogical_output2"}, "pglogical_output", False, id="a-longer-name"),
    ],
)
def test_a_server_takes(settings, library, may):
    assert may_decode_with((library,), settings) is may


@pytest.mark.parametrize(
    ("plugin", "settings", "refused"),
    [
        pytest.param(Plugin.PGLOGICAL, CORE, "pglogical_output", id="pglogical-is-not-listed"),
        pytest.param(Plugin.PGLOGICAL, WITH_PGLOGICAL, None, id="pglogical-is-listed"),
        pytest.param(Plugin.AUTO, CORE | PRELOADED, None, id="auto-takes-what-is-listed"),
        pytest.param(Plugin.AUTO, ONLY_NATIVE, "test_decoding", id="auto-and-not-even-test-decoding"),
        pytest.param(Plugin.PGLOGICAL, {}, None, id="no-list"),
    ],
)
def test_a_plugin_that_the_server_would_refuse_is_found_before_the_first_change(plugin, settings, refused):
    situation = replace(
        FINE,
        migration=Migration(tables=FINE.migration.tables, replication={"plugin": plugin}),
        server=replace(SERVER, settings={**SERVER.settings, **settings}),
    )

    found = [one.expected for one in preflight(situation) if one.code == "output_plugin_not_allowed"]

    assert found == ([f"{refused} in it"] if refused else [])


@pytest.mark.parametrize(("settings", "wanted"), [(CORE, False), (WITH_PGLOGICAL, True), ({}, True)])
def test_auto_preloads_pglogical_only_where_it_may_decode(settings, wanted):
    server = replace(SERVER, settings=settings)

    assert wants_pglogical(Plugin.AUTO, server, CLUSTER_GROUP) is wanted
    assert (planned_plugin(Migration(), server) is Plugin.PGLOGICAL) is wanted


@pytest.mark.parametrize(
    ("settings", "name"), [(CORE, "test-decoding"), (WITH_PGLOGICAL, "pglogical"), ({}, "pglogical")]
)
def test_auto_names_the_plugin_that_the_server_takes(settings, name):
    server = replace(SERVER, settings=settings | PRELOADED, installed_extensions=("pglogical",))

    assert plugin_name(Plugin.AUTO, server) == name
