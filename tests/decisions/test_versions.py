"""What differs between versions: the table that the code looks things up in, and what follows from it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pg_cdc.config import Migration
from pg_cdc.decisions.output_plugins import LIBRARIES, NATIVE
from pg_cdc.decisions.preflight.versions import dms_engine_findings, output_plugin_findings
from pg_cdc.decisions.versions import (
    DMS_ENGINES,
    SLOT_COLUMNS,
    Feature,
    dms_engine_for,
    dotted,
    major_of,
    numbers,
    slot_columns,
    subscribers,
    supports,
)
from tests.decisions.preflight.test_preflight import SERVER

BUILT_IN = "pgoutput, test_decoding"


@pytest.mark.parametrize(
    ("feature", "last_without", "first_with"),
    [
        pytest.param(Feature.COPY_PROGRESS, 130099, 140000, id="how-far-a-copy-is"),
        pytest.param(Feature.SUBSCRIBER_ROLE, 150099, 160000, id="a-role-that-may-subscribe"),
    ],
)
def test_a_feature_comes_with_a_major(feature, last_without, first_with):
    assert not supports(last_without, feature)
    assert supports(first_with, feature)


@pytest.mark.parametrize(
    ("version_num", "columns"),
    [
        pytest.param(130016, {"wal_status", "safe_wal_size"}, id="13"),
        pytest.param(150020, {"wal_status", "safe_wal_size", "two_phase"}, id="15"),
        pytest.param(160001, {"wal_status", "safe_wal_size", "two_phase", "conflicting"}, id="16"),
        pytest.param(170012, set(SLOT_COLUMNS), id="17"),
    ],
)
def test_a_slot_has_the_columns_of_its_servers_major(version_num, columns):
    assert slot_columns(version_num) == columns


@pytest.mark.parametrize(
    ("ends", "engine"),
    [
        pytest.param((130016, 150020), (3, 5, 1), id="the-newer-end-decides"),
        pytest.param((170012, 150020), (3, 6, 1), id="whichever-end-it-is"),
        pytest.param((120000, 120000), (), id="every-dms-knows-an-old-one"),
    ],
)
def test_dms_must_know_both_ends(ends, engine):
    assert dms_engine_for(ends) == engine


def test_a_later_major_never_needs_an_older_dms():
    assert list(DMS_ENGINES.values()) == sorted(DMS_ENGINES.values())


def test_versions_are_compared_as_numbers():
    assert numbers("3.10.1") > numbers("3.9")
    assert dotted(numbers("15.20")) == "15.20"
    assert major_of(170012) == 17


def test_before_16_only_rds_superuser_subscribes():
    assert subscribers(150020) == ("rds_superuser",)
    assert subscribers(160000) == ("rds_superuser", "pg_create_subscription")


@pytest.mark.parametrize(
    ("plugin", "allowed", "codes"),
    [
        pytest.param("pglogical", None, [], id="a-server-without-the-setting-loads-any"),
        pytest.param("pglogical", BUILT_IN, ["output_plugin_not_allowed"], id="pglogical-is-not-built-in"),
        pytest.param("pglogical", f"{BUILT_IN}, pglogical_output", [], id="pglogical-is-listed"),
        pytest.param("pglogical", f'{BUILT_IN},"pglogical_output"', [], id="listed-in-quotes"),
        pytest.param("test_decoding", BUILT_IN, [], id="test_decoding-is-built-in"),
        pytest.param("test_decoding", "", ["output_plugin_not_allowed"], id="nothing-is-listed"),
    ],
)
def test_the_output_plugin_must_be_one_that_the_source_loads(plugin, allowed, codes):
    migration = Migration(replication={"plugin": plugin})
    planned = {} if allowed is None else {"output_plugin_libraries": allowed}

    found = output_plugin_findings(migration, LIBRARIES[migration.replication.plugin], planned)

    assert [finding.code for finding in found] == codes


def test_native_replication_asks_for_pgoutput():
    (finding,) = output_plugin_findings(Migration(), NATIVE, {"output_plugin_libraries": "test_decoding"})

    assert "pgoutput in it" in finding.expected


def test_a_full_load_makes_no_slot():
    migration = Migration(replication={"migration_type": "full-load", "plugin": "pglogical"})

    assert list(output_plugin_findings(migration, ("pglogical_output",), {"output_plugin_libraries": ""})) == []


@pytest.mark.parametrize(
    ("engine", "codes"),
    [
        pytest.param("3.5.4", ["dms_version_too_old"], id="older-than-the-target-needs"),
        pytest.param("3.6.1", [], id="just-new-enough"),
        pytest.param("", [], id="not-told"),
    ],
)
def test_a_replication_instance_must_know_both_ends(engine, codes):
    ends = {"source": SERVER, "target": replace(SERVER, version_num=170012)}

    assert [finding.code for finding in dms_engine_findings("shared", engine, ends)] == codes
