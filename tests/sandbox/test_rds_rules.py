"""The rules behind the parameter groups, without a server: values, formulas, versions, lateness."""

from __future__ import annotations

import time

import pytest

from sandbox.api.errors import AwsError
from sandbox.postgres.binaries import Binaries
from sandbox.rds.assumptions import Assumptions
from sandbox.rds.catalogue import catalogue, evaluate, render
from sandbox.rds.engines import check_version, instance_class, readers_survive
from sandbox.rds.states import Status

GIB = 1 << 30
AURORA = "aurora-postgresql15"


@pytest.mark.parametrize(
    ("formula", "vcpus", "memory", "value"),
    [
        ("GREATEST($DBInstanceVCPU*2,8)", 2, GIB, "8"),
        ("GREATEST($DBInstanceVCPU*2,8)", 8, GIB, "16"),
        ("GREATEST(${DBInstanceVCPU*2},8)", 8, GIB, "16"),
        ("LEAST({DBInstanceClassMemory/9531392},5000)", 2, 4 * GIB, "450"),
        ("LEAST({DBInstanceClassMemory/9531392},5000)", 2, 256 * GIB, "5000"),
        ("SUM({DBInstanceClassMemory/12038},-50003)", 2, 16 * GIB, "1377133"),
        ("GREATEST({log(DBInstanceClassMemory/21474836480)*600},200)", 2, GIB, "200"),
        ("GREATEST({log(DBInstanceClassMemory/21474836480)*600},200)", 2, 256 * GIB, "664"),
        ("30000", 2, GIB, "30000"),
        ("pg_stat_statements,pglogical", 2, GIB, "pg_stat_statements,pglogical"),
    ],
)
def test_a_formula_comes_to_a_number(formula, vcpus, memory, value):
    assert evaluate(formula, vcpus=vcpus, memory=memory) == value


@pytest.mark.parametrize("formula", ["GREATEST(__import__('os'),1)", "{open}", "LEAST({x.y},1)", "SUM($PATH,1)"])
def test_a_formula_is_not_a_program(formula):
    with pytest.raises(ValueError, match="not a parameter formula"):
        evaluate(formula, vcpus=2, memory=GIB)


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("max_wal_senders", "0", True),
        ("max_wal_senders", "262143", True),
        ("max_wal_senders", "262144", False),
        ("max_slot_wal_keep_size", "-1", True),
        ("max_slot_wal_keep_size", "-2", False),
        ("max_wal_senders", "5.5", False),
        ("vacuum_cost_delay", "5.5", True),
        ("rds.logical_replication", "1", True),
        ("rds.logical_replication", "yes", False),
        ("shared_preload_libraries", "pg_stat_statements, pglogical", True),
        ("shared_preload_libraries", "wal2json", False),
        ("max_worker_processes", "GREATEST($DBInstanceVCPU*4,16)", True),
        ("search_path", "anything, at all", True),
    ],
)
def test_allowed_values(name, value, allowed):
    assert catalogue(AURORA, cluster=True)[name].allows(value) is allowed


def test_every_default_is_allowed():
    for family in (AURORA, "postgres15"):
        for parameter in catalogue(family, cluster=True).values():
            assert parameter.default is None or parameter.allows(parameter.default), parameter


@pytest.mark.parametrize(
    ("family", "name", "present"),
    [
        ("aurora-postgresql13", "idle_session_timeout", False),
        ("aurora-postgresql14", "idle_session_timeout", True),
        ("aurora-postgresql16", "sync_replication_slots", False),
        ("aurora-postgresql17", "sync_replication_slots", True),
        ("postgres15", "rds.logical_wal_cache", False),
        (AURORA, "rds.logical_wal_cache", True),
    ],
)
def test_a_parameter_is_there_from_its_version_on(family, name, present):
    assert (name in catalogue(family, cluster=True)) is present


def test_without_pglogical_it_cannot_be_preloaded():
    libraries = catalogue(AURORA, cluster=True, pglogical=False)["shared_preload_libraries"]

    assert not libraries.allows("pg_stat_statements,pglogical")


def test_what_the_server_does_not_know_is_not_written():
    settings = render(AURORA, values={}, known=["max_wal_senders"], vcpus=2, memory=GIB)

    assert settings["max_wal_senders"] == "10"
    assert "max_replication_slots" not in settings


def test_logical_replication_sets_the_wal_level_and_nothing_else():
    plain, logical = (
        render(AURORA, values=values, known=["max_wal_senders"], vcpus=2, memory=GIB)
        for values in ({}, {"rds.logical_replication": "1"})
    )

    assert {key for key in plain if plain[key] != logical[key]} == {"rds.logical_replication", "wal_level"}


@pytest.mark.parametrize(
    ("version", "survive"),
    [
        ("15.1", False), ("15.2", True), ("14.6", False), ("14.7", True), ("13.9", False), ("13.10", True),
        ("12.13", False), ("12.14", True), ("16.1", True),
    ],
)  # fmt: skip
def test_readers_survive_their_writers_reboot_from_a_version_on(version, survive):
    assert readers_survive(version) is survive


@pytest.mark.parametrize(
    ("wanted", "got"),
    [(None, "15.18"), ("", "15.18"), ("15", "15.18"), ("15.18", "15.18"), ("13", "13.16"), ("17.12", "17.12")],
)
def test_a_version_is_the_default_or_the_one_that_is_asked_for(wanted, got):
    assert check_version("postgres", wanted, ("15.18", "13.16", "17.12")) == got


@pytest.mark.parametrize("wanted", ["14", "15.4", "1"])
def test_a_version_that_is_not_installed_is_refused_with_those_that_are(wanted):
    with pytest.raises(AwsError, match=r"The sandbox has 15\.18, 13\.16 only"):
        check_version("postgres", wanted, ("15.18", "13.16"))


@pytest.mark.parametrize("name", ["db.t3", "t3.medium", "db.t3.giant", "dms.t3.medium"])
def test_an_unknown_class_is_refused(name):
    with pytest.raises(AwsError) as refusal:
        instance_class(name)

    assert refusal.value.code == "InvalidParameterValue"


def test_a_change_of_state_is_seen_late():
    status = Status(0.02, "available")
    status.set("rebooting")

    assert (status.value, status.shown) == ("rebooting", "available")
    time.sleep(0.07)
    assert status.shown == "rebooting"


def test_the_assumptions_can_be_switched(sandbox, make_instance, monkeypatch):
    rds = sandbox.client("rds")
    monkeypatch.setattr(sandbox.rds, "assumptions", Assumptions(default_group_modified="InvalidParameterValue"))

    with pytest.raises(rds.exceptions.ClientError, match="InvalidParameterValue"):
        rds.reset_db_parameter_group(DBParameterGroupName="default.postgres15", ResetAllParameters=True)


def test_pglogical_is_looked_for_in_the_servers_libraries(tmp_path):
    (tmp_path / "bin").mkdir()
    (tmp_path / "lib").mkdir()
    binaries = Binaries(tmp_path / "bin", "15.18")

    assert not binaries.has_pglogical
    (tmp_path / "lib" / "pglogical.so").touch()
    assert binaries.has_pglogical
