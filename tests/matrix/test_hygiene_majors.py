"""Slot hygiene on each major: what it sees of a slot, whose slots it drops, and what the version table says of both."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from psycopg import sql

from pg_cdc.decisions.slots.world import SlotRow
from pg_cdc.decisions.versions import slot_columns
from pg_cdc.hooks.slots.book import learn
from tests.matrix.conftest import MAJORS
from tests.shell.hygiene.conftest import DATABASE, DMS_OWNER, Watched
from tests.shell.hygiene.hygiene_run import HygieneRun
from tests.shell.rds_world import make_group
from tests.shell.test_version_table import assert_table_is_true

PLUGINS = ("test_decoding", "wal2json", "pgoutput", "pglogical_output")
KEPT_FOR_A_STANDBY = "select pg_create_logical_replication_slot(%s, 'test_decoding', failover => true)"


@pytest.fixture(scope="session")
def server_of(sandbox, make_instance) -> Callable[[int], Any]:
    """``server_of(major)``: an RDS instance with logical decoding, the same one every time."""
    made: dict[int, Any] = {}
    values = {"rds__logical_replication": "1", "shared_preload_libraries": "pglogical", "max_replication_slots": "30"}

    def get(major: int) -> Any:
        if major not in made:
            group = make_group(sandbox, f"slots-{major}", cluster=False, family=f"postgres{major}", **values)
            made[major] = make_instance(f"slots-{major}", parameter_group=group, EngineVersion=str(major), keep=True)
            with made[major].connect("postgres") as conn:
                conn.execute(sql.SQL("create database {}").format(sql.Identifier(DATABASE)))
            with made[major].connect(DATABASE) as conn:
                conn.execute("create table notes (id bigint generated always as identity primary key, text text)")
        return made[major]

    return get


@pytest.fixture(params=MAJORS)
def major(request) -> int:
    return request.param


@pytest.fixture
def watched(major, server_of, sandbox, aws_conn, admin_conn, monkeypatch, tmp_path) -> Iterator[Watched]:
    server = server_of(major)
    for conn_id in ("pg_cdc_source", "pg_cdc_target"):
        admin_conn(server, conn_id)
    monkeypatch.setattr("pg_cdc.spec.migrations_directory", lambda: tmp_path)
    spec = {
        "name": f"slots-{major}",
        "aws": {"region": sandbox.region},
        "source": {"identifier": server.identifier, "database": DATABASE},
        "target": {"host": "localhost", "port": server.port, "database": "shop"},
        "tables": {"rules": [{"schema": "public", "table": "%"}]},
    }
    made = Watched(server, server, spec)
    yield made
    made.clean_up()


@pytest.fixture
def params(watched) -> dict[str, Any]:
    sources = [{"identifier": watched.source.identifier, "database": watched.database}]
    return {"sources": sources, "spec_files": [], "grace_seconds": 0, "dry_run": False}


def dropped(done: dict[str, Any]) -> list[str]:
    return [line["slot"] for line in done["facts"]["drops"] if line["dropped"]]


def test_the_version_table_is_true(watched, major):
    with watched.on_source() as conn:
        assert conn.info.server_version // 10000 == major
        assert_table_is_true(conn)


def test_a_slot_of_every_plugin_is_seen_with_what_its_server_tells(watched):
    names = {plugin: watched.make_slot(plugin=plugin) for plugin in PLUGINS}
    watched.write_wal()

    facts = watched.facts()

    seen = {slot.name: slot for slot in facts.slots}
    assert {plugin: seen[name].plugin for plugin, name in names.items()} == {plugin: plugin for plugin in PLUGINS}
    columns = slot_columns(facts.version_num)
    for slot in seen.values():
        assert slot.retained_bytes > 0 and slot.wal_status == "reserved"
        assert (slot.conflicting is not None) is ("conflicting" in columns)
        assert (slot.failover is not None) is ("failover" in columns)
        assert (slot.inactive_since is not None) is ("inactive_since" in columns)


def test_an_orphan_is_dropped_by_the_second_run_and_a_third_finds_nothing_to_do(watched, params):
    orphan, stranger = watched.make_slot(owner=DMS_OWNER), watched.make_slot(plugin="wal2json")

    assert dropped(HygieneRun(params).act()) == []
    assert dropped(HygieneRun(params).act()) == [orphan]
    third = HygieneRun(params)
    done = third.act()

    assert done["changes"] == []
    assert [slot.name for slot in watched.facts().slots] == [stranger]
    assert third.tell()["facts"]


def test_a_lost_slot_is_known_as_lost(watched, sandbox):
    lost, other = watched.make_slot(), watched.make_slot()

    sandbox.rds.lose_slot(watched.source.identifier, lost)

    seen = {slot.name: slot for slot in watched.facts().slots}
    assert (seen[lost].wal_status, seen[other].wal_status) == ("lost", "reserved")
    if "invalidation_reason" in slot_columns(watched.facts().version_num):
        assert seen[lost].invalidation_reason == "wal_removed"


@pytest.mark.parametrize("major", [17])
def test_a_slot_that_is_kept_for_a_standby_is_never_dropped(watched, params):
    with watched.on_source() as conn:
        conn.execute(KEPT_FOR_A_STANDBY, ("standby_slot",))
        watched.slots.append("standby_slot")
        learn(conn, SlotRow(name="standby_slot", slot_type="logical", plugin="test_decoding"), DMS_OWNER)

    for _ in range(3):
        assert dropped(HygieneRun(params).act()) == []

    assert watched.slot("standby_slot").failover
