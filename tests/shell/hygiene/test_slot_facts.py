"""What is read of a server: every kind of slot, whose it is, and an end in five seconds whatever the server does."""

from __future__ import annotations

import os
import signal
import socket
import time
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace

import psycopg
import pytest

from pg_cdc.decisions.slots.policy import Policy
from pg_cdc.decisions.slots.verdicts import Kind, judge_source
from pg_cdc.decisions.slots.world import OwnerKind, OwnerState, SlotRow, SourceFacts
from pg_cdc.facts.ends import read_source
from pg_cdc.facts.slots import scan as slot_scan
from pg_cdc.facts.slots.scan import read_scan, scan_server, scan_servers
from pg_cdc.facts.slots.server import read_source_facts
from pg_cdc.failures import NotYet, PreflightFailed
from pg_cdc.hooks.postgres import source_credentials
from pg_cdc.hooks.slots.book import SlotBook, learn
from tests.shell.hygiene.conftest import DMS_OWNER

NEWEST = {
    "conflicting": False,
    "inactive_since": datetime(2026, 11, 21, 2, 0, 0, 250_000, UTC),
    "invalidation_reason": "idle_timeout",
    "failover": True,
    "synced": False,
    "two_phase_at": None,
}


@pytest.fixture
def credentials(watched):
    return source_credentials(watched.migration, read_source(watched.migration), "postgres")


def test_a_logical_slot_is_read_with_all_that_the_server_tells(watched):
    name = watched.make_slot()
    watched.write_wal()

    facts = watched.facts()
    slot = watched.slot(name)

    assert (slot.slot_type, slot.plugin, slot.database) == ("logical", "test_decoding", watched.database)
    assert (slot.active, slot.temporary, slot.wal_status, slot.active_pid) == (False, False, "reserved", None)
    assert slot.restart_lsn < slot.confirmed_flush_lsn < facts.wal_lsn
    assert slot.retained_bytes >= facts.wal_lsn - slot.restart_lsn > 50_000
    assert slot.catalog_xmin_age >= 1
    assert (slot.inactive_since, slot.failover, slot.conflicting) == (None, None, None)


def test_the_server_is_read_beside_its_slots(watched):
    with watched.on_source() as conn:
        conn.execute("create publication everything for all tables")
        conn.execute("create extension pglogical")
        conn.execute("select pglogical.create_node('shop', 'dbname=shop')")
        conn.execute("select pg_replication_origin_create('from_afar')")
        try:
            facts = watched.facts()
        finally:
            conn.execute("select pg_replication_origin_drop('from_afar')")
            conn.execute("drop extension pglogical cascade")

    assert facts.identifier == "watched"
    assert facts.at == pytest.approx(time.time(), abs=30)
    assert (facts.version_num // 10000, facts.in_recovery) == (15, False)
    assert f"{watched.database}/everything" in facts.publications
    assert facts.pglogical_nodes == (f"{watched.database}/shop",)
    assert facts.storage.max_slot_wal_keep_bytes is None


def test_a_reader_is_named(watched):
    name = watched.make_slot()
    with watched.reading(name) as pid:
        facts = watched.facts()

    slot = next(slot for slot in facts.slots if slot.name == name)
    assert (slot.active, slot.active_pid) == (True, pid)
    assert any(line.startswith(f"{pid} pg_recvlogical as postgres") for line in facts.walsenders)


def test_reading_writes_nothing(watched):
    watched.make_slot(owner=DMS_OWNER)
    with watched.on_source("postgres") as conn:
        SlotBook(conn).ensure()
        before = conn.execute("select pg_snapshot_xmax(pg_current_snapshot())::text").fetchone()
        watched.facts()
        after = conn.execute("select pg_snapshot_xmax(pg_current_snapshot())::text").fetchone()

    assert after == before


def test_the_earlier_runs_are_read_from_the_books(watched):
    name = watched.make_slot()
    facts = watched.facts()
    with watched.on_source("postgres") as conn:
        book = SlotBook(conn)
        book.ensure()
        book.observe(replace(facts, at=facts.at - 3600))

    assert len(watched.facts().history[name]) == 1


def test_the_ledgers_of_all_databases_are_read_each_for_its_own_slots(watched, hygiene_servers):
    """A row about another database's slot proves nothing: anyone with a database could claim it there."""
    ours, theirs = watched.make_slot(owner=DMS_OWNER), watched.make_slot()
    with watched.on_source("shop") as conn:
        conn.execute("drop schema if exists pgcdc cascade")
        conn.execute("select pg_create_logical_replication_slot('of_shop', 'test_decoding')")
        watched.slots.append("of_shop")
        for name in ("of_shop", theirs):
            learn(conn, SlotRow(name=name, slot_type="logical", plugin="test_decoding"), DMS_OWNER)

    owners = watched.facts().owners

    assert {name: owners[name].kind for name in (ours, "of_shop", theirs)} == {
        ours: OwnerKind.DMS_TASK,
        "of_shop": OwnerKind.DMS_TASK,
        theirs: OwnerKind.UNKNOWN,
    }


def test_a_database_that_lets_nobody_in_does_not_hide_the_others(watched):
    name = watched.make_slot()
    with watched.on_source("shop") as conn:
        conn.execute("select pg_create_logical_replication_slot('of_shop', 'test_decoding')")
        watched.slots.append("of_shop")
        conn.execute("alter database shop connection limit 0")
        conn.execute("alter role postgres nosuperuser")
    try:
        slots = {slot.name for slot in watched.facts().slots}
    finally:
        with watched.source.sandbox.rds.instances["watched"].server.connect() as conn:
            conn.execute("alter database shop connection limit -1")
            conn.execute("alter role postgres superuser")

    assert {name, "of_shop"} <= slots


def test_migrations_of_different_sources_are_not_mixed(watched):
    other = watched.migration.model_copy(
        update={"source": watched.migration.source.model_copy(update={"identifier": "subscriber"})}
    )
    with pytest.raises(ValueError, match="different sources"):
        read_source_facts([watched.migration, other])


def test_a_source_that_is_not_on_rds_is_said(watched):
    watched.spec["source"]["identifier"] = "vanished"
    with pytest.raises(PreflightFailed, match="vanished"):
        watched.facts()


def test_a_database_of_the_spec_that_is_no_more_has_no_slots_and_no_ledger(watched):
    watched.spec["source"]["database"] = "dropped_long_ago"

    assert watched.facts().identifier == "watched"


def test_a_temporary_slot_is_told_as_one(watched):
    with watched.on_source() as conn:
        conn.execute("select pg_create_logical_replication_slot('brief', 'test_decoding', true)")

        assert watched.slot("brief").temporary


def test_a_lost_slot_is_told_as_lost(watched):
    name = watched.make_slot()

    facts = lose(watched, name)

    (slot,) = [slot for slot in facts.slots if slot.name == name]
    (verdict,) = [verdict for verdict in judge_source(facts, Policy()) if verdict.name == name]
    assert (slot.wal_status, slot.restart_lsn) == ("lost", None)
    assert facts.storage.max_slot_wal_keep_bytes == 1024**2
    assert (verdict.kind, verdict.severity) == (Kind.FOREIGN, "lost")


def lose(watched, name: str) -> SourceFacts:
    """Let max_slot_wal_keep_size take a slot's WAL, and return the facts of that moment."""
    with watched.source.sandbox.rds.instances["watched"].server.connect() as conn:
        conn.execute("alter system set max_slot_wal_keep_size = '1MB'")
        conn.execute("select pg_reload_conf()")
        try:
            for _ in range(20):
                watched.write_wal(20)
                conn.execute("select pg_switch_wal()")
                conn.execute("checkpoint")
                facts = watched.facts()
                if any(slot.name == name and slot.wal_status == "lost" for slot in facts.slots):
                    return facts
        finally:
            conn.execute("alter system reset max_slot_wal_keep_size")
            conn.execute("select pg_reload_conf()")
    raise AssertionError("the slot was not lost")


def test_a_standby_has_a_physical_slot_on_its_source_and_its_own_position(watched, sandbox):
    rds = sandbox.client("rds")
    rds.create_db_instance_read_replica(DBInstanceIdentifier="watched-copy", SourceDBInstanceIdentifier="watched")
    from tests.fix_sandbox import wait_available

    wait_available(sandbox, "watched-copy")
    try:
        facts = watched.facts()
        watched.spec["source"]["identifier"] = "watched-copy"
        copy = watched.facts()
    finally:
        rds.delete_db_instance(DBInstanceIdentifier="watched-copy", SkipFinalSnapshot=True)

    (physical,) = [slot for slot in facts.slots if slot.slot_type == "physical"]
    assert (physical.active, physical.database, physical.plugin) == (True, None, None)
    assert facts.owners[physical.name].kind is OwnerKind.PHYSICAL_STANDBY
    assert physical.name not in facts.looks
    (verdict,) = [verdict for verdict in judge_source(facts, Policy()) if verdict.name == physical.name]
    assert (verdict.kind, verdict.drop) == (Kind.PROTECTED, False)
    assert copy.in_recovery


def scan_of(newer=None, **changes):
    """Read what a server of another version would say."""
    row = dict.fromkeys(("plugin", "database", "active_pid", "wal_status", "safe_wal_size", "catalog_xmin_age"))
    row |= {"at": 1.0, "version_num": 170000, "in_recovery": False, "keep": "-1", "wal_lsn": "1/B0"}
    row |= {"slot_name": "s", "slot_type": "logical", "temporary": False, "active": False}
    row |= {"restart_lsn": "1/A0", "confirmed_flush_lsn": None, **(newer or {}), **changes}
    return read_scan(Told([row]))


class Told:
    """A connection on which every query has the same rows."""

    def __init__(self, rows):
        self.rows = rows

    @contextmanager
    def cursor(self, **_):
        yield SimpleNamespace(execute=lambda _: SimpleNamespace(fetchall=lambda: self.rows))


def test_the_columns_of_17_are_read_where_they_are():
    (slot,) = scan_of(NEWEST).slots

    assert (slot.conflicting, slot.failover, slot.synced) == (False, True, False)
    assert slot.invalidation_reason == "idle_timeout"
    assert slot.inactive_since == 1795226400.25
    assert (slot.restart_lsn, slot.retained_bytes) == (2**32 + 0xA0, 16)


@pytest.mark.parametrize(
    "newer",
    [pytest.param(None, id="13-to-15"), pytest.param({"conflicting": True}, id="16")],
)
def test_a_column_that_the_version_has_not_is_none(newer):
    (slot,) = scan_of(newer).slots

    assert (slot.inactive_since, slot.failover, slot.synced, slot.invalidation_reason) == (None, None, None, None)
    assert slot.conflicting == (newer or {}).get("conflicting")


@pytest.mark.parametrize(
    ("setting", "expected"),
    [("-1", None), ("0", 0), ("64MB", 64 * 1024**2), ("10GB", 10 * 1024**3), ("1TB", 1024**4), ("512kB", 524288)],
)
def test_the_limit_of_a_slot_is_read_as_show_prints_it(setting, expected):
    assert scan_of(keep=setting).keep_bytes == expected


def test_a_server_without_slots_has_no_position():
    """Aurora without logical replication refuses to tell it."""
    scan = scan_of(slot_name=None, wal_lsn=None)

    assert (scan.wal_lsn, scan.slots) == (0, ())


@contextmanager
def silent_server():
    """Take connections and say nothing, ever."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield server.getsockname()[1]


def stopped_backends(server):
    """Return every process of a server: the postmaster last."""
    children = [int(pid) for pid in os.popen(f"pgrep -P {server.pid}").read().split()]
    return [*children, server.pid]


@contextmanager
def frozen(server):
    pids = stopped_backends(server)
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in reversed(pids):
            os.kill(pid, signal.SIGCONT)


def seconds_of(work) -> tuple[float, BaseException | None]:
    started = time.monotonic()
    try:
        work()
    except NotYet as err:
        return time.monotonic() - started, err
    return time.monotonic() - started, None


def test_a_server_that_refuses_is_said_at_once(credentials):
    took, error = seconds_of(lambda: scan_server(replace(credentials, port=1)))

    assert took < 2
    assert "no connection" in str(error)


def test_a_wrong_password_is_said_and_not_shown(credentials):
    _, error = seconds_of(lambda: scan_server(replace(credentials, password="wrong-Passw0rd")))

    assert "password authentication failed" in str(error)
    assert "wrong-Passw0rd" not in str(error)


def test_a_server_that_says_nothing_costs_no_more_than_its_time(credentials):
    with silent_server() as port:
        took, error = seconds_of(lambda: scan_server(replace(credentials, host="127.0.0.1", port=port), seconds=1))

    assert took < 2
    assert isinstance(error, NotYet)


def test_a_server_that_freezes_in_the_middle_costs_no_more_than_its_time(credentials, monkeypatch):
    monkeypatch.setattr(slot_scan, "read_scan", lambda conn: conn.execute("select pg_sleep(30)"))
    took, error = seconds_of(lambda: scan_server(credentials, seconds=1))

    assert took < 2.5
    assert isinstance(error, NotYet | psycopg.errors.QueryCanceled)


def test_all_the_facts_of_a_frozen_server_cost_five_seconds(watched, sandbox):
    with frozen(sandbox.rds.instances["watched"].server):
        took, error = seconds_of(watched.facts)

    assert took < 6
    assert "watched: no answer within 5 s" in str(error)


def test_a_target_that_says_nothing_hides_no_slot_of_the_source(watched, sandbox):
    name = watched.make_slot(plugin="pgoutput")
    with frozen(sandbox.rds.instances["subscriber"].server):
        took, error = seconds_of(lambda: watched.slot(name))

    assert took < 7
    assert error is None


def test_what_postgresql_refuses_is_no_answer_and_says_its_code(credentials, monkeypatch):
    monkeypatch.setattr(slot_scan, "read_scan", lambda conn: conn.execute("select 1 / 0"))
    _, error = seconds_of(lambda: scan_server(credentials))

    assert "22012" in str(error)


def test_one_dead_server_costs_the_others_nothing(credentials):
    with silent_server() as port:
        dead = replace(credentials, host="127.0.0.1", port=port)
        found = scan_servers({"dead": dead, **{f"s{n}": credentials for n in range(10)}}, seconds=2)

    assert isinstance(found.pop("dead"), NotYet)
    assert all(isinstance(scan, slot_scan.SlotScan) for scan in found.values())


def test_a_dms_task_that_stands_still_for_a_day_keeps_its_slot(watched, task_of):
    """The clock is moved by what the books say of yesterday."""
    name = watched.make_slot(owner=task_of("stopped"))
    yesterday(watched)

    facts = watched.facts()
    (verdict,) = [verdict for verdict in judge_source(facts, Policy(dry_run=False)) if verdict.name == name]

    assert facts.looks[name].state is OwnerState.EXISTS
    assert verdict.idle_seconds == pytest.approx(86400, abs=60)
    assert (verdict.kind is Kind.ORPHAN, verdict.drop) == (False, False)


@pytest.fixture
def task_of(watched, monkeypatch):
    """A DMS task that the list has, in a status."""
    from pg_cdc.facts.slots import server as slots

    def make(status: str):
        real = slots.read_tasks

        def listed(migration, *, source_arn):
            return replace(real(migration, source_arn=source_arn), statuses={DMS_OWNER.owner_id: status})

        monkeypatch.setattr(slots, "read_tasks", listed)
        return DMS_OWNER

    return make


def yesterday(watched) -> None:
    facts = watched.facts()
    with watched.on_source("postgres") as conn:
        book = SlotBook(conn)
        book.ensure()
        for quarters in range(96, 0, -4):
            book.observe(replace(facts, at=facts.at - quarters * 900))
