"""The parameters that a spec asks for: what AWS takes is planned, and the rest refused with the reason."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pg_cdc.decisions.parameters.allowed_values import allows, as_group_value, same_value
from pg_cdc.decisions.parameters.changes import plan_parameters, refused_parameters
from pg_cdc.decisions.parameters.table import BY_PARAMETER, COMPONENTS
from pg_cdc.decisions.world import Parameter
from pg_cdc.failures import SpecInvalid
from pg_cdc.spec import migration_from_mapping
from tests.decisions.parameters.parameter_world import aurora, group, instance_group, migration, parameter, rds, server

MORE = {
    "work_mem": parameter("work_mem", data_type="integer", allowed_values="64-2147483647"),
    "shared_buffers": parameter(
        "shared_buffers", "{DBInstanceClassMemory/32768}", data_type="integer", allowed_values="16-1073741823",
        apply_type="static",
    ),
    "wal_buffers": parameter("wal_buffers", data_type="integer", allowed_values="-1-262143", apply_type="static"),
    "autovacuum": parameter("autovacuum", data_type="boolean", allowed_values="0,1"),
    "archive_mode": parameter("archive_mode", modifiable=False, apply_type="static"),
    "bgwriter_lru_maxpages": parameter("bgwriter_lru_maxpages", data_type="integer", allowed_values="0-1073741823"),
    "log_statement": parameter("log_statement", allowed_values="none,ddl,mod,all"),
}  # fmt: skip
RAW = {"work_mem": "4096", "shared_buffers": "8192", "autovacuum": "on", "log_statement": "none"}


def on(engine: str):
    """A stock database of the engine, its groups with more parameters, and its server."""
    if engine == "aurora":
        own, more = group(), (instance_group(),)
        database = aurora()
    else:
        own, more = group("default.postgres15", cluster=False), ()
        database = rds()
    groups = (replace(own, parameters={**own.parameters, **MORE}), *more)
    facts = server(work_mem="4MB", shared_buffers="64MB", autovacuum="on", log_statement="none")
    return database, groups, replace(facts, raw_settings={**facts.settings, **RAW})


def asked(engine: str = "rds", **wishes):
    """Return the rows by name and the refusals by code."""
    spec = migration(source={"parameters": {name.replace("__", "."): value for name, value in wishes.items()}})
    rows = plan_parameters(*on(engine), migration=spec)
    refused = refused_parameters(*on(engine), migration=spec)
    return {row.name: row for row in rows}, {finding.code: finding for finding in refused}


@pytest.mark.parametrize(
    ("engine", "name", "value", "reason"),
    [
        pytest.param("aurora", "shared_buffers", 16384, "page cache", id="shared-buffers"),
        pytest.param("aurora", "wal_buffers", 2048, "sizes the buffers", id="wal-buffers"),
        pytest.param("aurora", "bgwriter_lru_maxpages", 200, "writes no pages", id="background-writer"),
        pytest.param("aurora", "checkpoint_timeout", 600, "no checkpoints", id="checkpointer"),
        pytest.param("aurora", "archive_mode", "on", "archives no WAL", id="wal-archiving"),
    ],
)
def test_what_aurora_manages_itself_is_refused_with_that_reason(engine, name, value, reason):
    rows, refused = asked(engine, **{name: value})

    finding = refused["parameter_managed_by_aurora"]
    assert (finding.severity, finding.subject) == ("error", name)
    assert reason in finding.found
    assert name not in rows


@pytest.mark.parametrize(
    ("name", "value"),
    [
        pytest.param("shared_buffers", 16384, id="shared-buffers"),
        pytest.param("wal_buffers", 2048, id="wal-buffers"),
        pytest.param("bgwriter_lru_maxpages", 200, id="background-writer"),
        pytest.param("work_mem", 65536, id="work-memory"),
    ],
)
def test_the_same_is_set_on_rds(name, value):
    rows, refused = asked("rds", **{name: value})

    assert refused == {}
    assert (rows[name].wanted, rows[name].changes) == (str(value), True)


def test_work_memory_is_set_on_aurora_too_and_needs_no_reboot_of_its_own():
    spec = migration(source={"parameters": {"work_mem": 65536}}, safety={"allow_shared_parameter_group": True})
    database, groups, facts = on("aurora")
    own = replace(groups[0], name="own")

    row = {one.name: one for one in plan_parameters(database, (own, groups[1]), facts, migration=spec)}["work_mem"]

    assert (row.wanted, row.apply_type, row.needs_reboot, row.live) == ("65536", "dynamic", False, "4MB")


@pytest.mark.parametrize(
    ("wish", "code", "found", "expected"),
    [
        pytest.param({"work_memm": 1}, "parameter_unknown", "near it: work_mem", "engine and version", id="misspelt"),
        pytest.param({"archive_mode": "on"}, "parameter_not_modifiable", "to S3 itself", "IsModifiable", id="locked"),
        pytest.param({"work_mem": 63}, "parameter_value_not_allowed", "63", "64-2147483647", id="below-the-range"),
        pytest.param({"work_mem": "64MB"}, "parameter_value_not_allowed", "64MB", "64-2147483647", id="with-a-unit"),
        pytest.param(
            {"log_statement": "some"}, "parameter_value_not_allowed", "some", "none,ddl", id="not-a-word-of-it"
        ),
        pytest.param(
            {"shared_buffers": "{DBInstanceClassMemory/16384}"},
            "parameter_formula",
            "the formula",
            "number",
            id="formula",
        ),
        pytest.param(
            {"rds__logical_replication": 0}, "parameter_against_capture", "0", "wal_level", id="against-change-capture"
        ),
        pytest.param(
            {"max_replication_slots": 2}, "parameter_against_capture", "2", "1 for DMS", id="too-few-for-the-task"
        ),
        pytest.param(
            {"shared_preload_libraries": "nothing"}, "parameter_value_not_allowed", "nothing", "pgaudit", id="a-library"
        ),
    ],
)
def test_what_cannot_be_set_is_refused_and_the_rest_is_planned(wish, code, found, expected):
    rows, refused = asked("rds", **wish)

    assert set(refused) == {code}
    assert found in refused[code].found
    assert expected in refused[code].expected
    assert rows["rds.logical_replication"].wanted == "1"


def test_a_wish_for_a_size_that_change_capture_needs_too_is_met_when_it_is_enough():
    rows, refused = asked("rds", max_replication_slots=50)

    assert refused == {}
    assert rows["max_replication_slots"].wanted == "50"
    assert "asked for" in rows["max_replication_slots"].why


def test_a_wish_for_libraries_adds_to_the_list():
    rows, _ = asked("rds", shared_preload_libraries="pgaudit")

    assert rows["shared_preload_libraries"].wanted == "pg_stat_statements,pglogical,pgaudit"


def test_a_full_load_alone_sets_what_was_asked_for_and_nothing_else():
    spec = migration(source={"parameters": {"work_mem": 65536}}, replication={"migration_type": "full-load"})

    assert [row.name for row in plan_parameters(*on("rds"), migration=spec)] == ["work_mem"]


@pytest.mark.parametrize(
    ("in_group", "raw", "changes", "in_force"),
    [
        pytest.param("65536", "65536", False, True, id="set-and-in-force-whatever-unit-show-prints"),
        pytest.param("65536", "4096", False, False, id="set-and-not-in-force"),
        pytest.param(None, "65536", False, True, id="the-engine-s-own-value-is-it"),
        pytest.param("32768", "65536", True, True, id="taken-back-in-the-group"),
    ],
)
def test_a_wish_is_judged_in_the_unit_of_the_group(in_group, raw, changes, in_force):
    database, (own,), facts = on("rds")
    own = replace(own, parameters={**own.parameters, "work_mem": replace(MORE["work_mem"], value=in_group)})
    facts = replace(facts, raw_settings={**facts.raw_settings, "work_mem": raw})
    spec = migration(source={"parameters": {"work_mem": 65536}})

    row = {one.name: one for one in plan_parameters(database, (own,), facts, migration=spec)}["work_mem"]

    assert (row.changes, row.in_force) == (changes, in_force)


@pytest.mark.parametrize(
    ("kind", "allowed", "value", "taken"),
    [
        pytest.param("integer", "64-2147483647", "64", True, id="lowest"),
        pytest.param("integer", "-1-2147483647", "-1", True, id="a-negative-limit"),
        pytest.param("integer", "-1-2147483647", "-2", False, id="below-a-negative-limit"),
        pytest.param("integer", "-1,100-200", "-1", True, id="a-word-beside-a-range"),
        pytest.param("integer", "-1,100-200", "99", False, id="between-a-word-and-a-range"),
        pytest.param("integer", "64-100", "64.5", False, id="no-whole-number"),
        pytest.param("float", "0-1", "0.9", True, id="a-fraction"),
        pytest.param("float", "0-100", "nan", False, id="not-a-number"),
        pytest.param("boolean", "0,1", "2", False, id="no-switch"),
        pytest.param("string", "origin,replica,local", "replica", True, id="a-word"),
        pytest.param("list", "pgaudit,pg_cron", "pg_cron,pgaudit", True, id="a-list"),
        pytest.param("list", "pgaudit,pg_cron", "pgaudit,other", False, id="a-list-with-a-stranger"),
        pytest.param("string", None, "anything", True, id="no-allowed-values"),
        pytest.param("integer", None, "many", False, id="the-type-still-counts"),
    ],
)
def test_allowed_values(kind, allowed, value, taken):
    found = Parameter(
        name="x", value=None, source="system", apply_type="dynamic", data_type=kind, allowed_values=allowed
    )

    assert allows(found, value) is taken


@pytest.mark.parametrize(("word", "held"), [("on", "1"), ("True", "1"), ("off", "0"), ("1", "1")])
def test_a_switch_is_one_or_zero_in_a_group(word, held):
    assert as_group_value(MORE["autovacuum"], word) == held
    assert same_value(word, held)


@pytest.mark.parametrize(("found", "wanted"), [("0.90", "0.9"), ("a, b", "a,b"), ("1e1", "10")])
def test_one_value_may_be_written_in_more_than_one_way(found, wanted):
    assert same_value(found, wanted)
    assert not same_value(found, wanted + "1")


def test_yaml_numbers_and_switches_are_taken_as_the_texts_of_a_group():
    spec = migration(source={"parameters": {"work_mem": 65536, "autovacuum": True, "random_page_cost": 1.1}})

    assert spec.source.parameters == {"work_mem": "65536", "autovacuum": "1", "random_page_cost": "1.1"}


@pytest.mark.parametrize("parameters", [{"Work Mem": "1"}, {"work_mem": ""}, {"work_mem": None}, ["work_mem"]])
def test_what_is_no_parameter_is_refused_with_the_spec(parameters):
    with pytest.raises(SpecInvalid):
        migration_from_mapping({"name": "orders", "source": {"parameters": parameters}})


def test_every_parameter_of_the_table_stands_in_it_once():
    listed = [parameter for component in COMPONENTS for parameter in component.parameters]

    assert sorted(listed) == sorted(BY_PARAMETER)
