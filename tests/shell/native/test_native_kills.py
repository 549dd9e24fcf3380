"""Kill the loader and the keeper of its snapshot, as the kernel would, and see the load end well all the same."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowFailException

from pg_cdc.failures import NotYet
from pg_cdc.operators.native import keeper as native_keeper
from pg_cdc.operators.native.keeper import KeepSnapshotOperator
from pg_cdc.operators.native.load import LoadTablesOperator
from tests.shell.native.comparing import eventually, unequal
from tests.shell.native.conftest import PREPARE, STREAM, Pair

ROOT = Path(__file__).resolve().parents[3]
ONE_STREAM = {"native": {"streams": 1}}
LOADED = "select table_name, loaded_at, consistent_point from pgcdc_native.loaded_table"
SNAPSHOT = "select loads, slot_name, consistent_point from pgcdc_native.snapshot"


def killable(pair: Pair, step: type) -> subprocess.Popen[bytes]:
    """Run a step as a task process is run: it and its children die by one signal."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.shell.native.worker", step.__name__],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": f"{ROOT / 'plugins'}:{ROOT}"},
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    assert process.stdin is not None
    process.stdin.write(json.dumps(pair.spec(**ONE_STREAM)).encode())
    process.stdin.close()
    return process


def kill(process: subprocess.Popen[bytes]) -> None:
    assert process.poll() is None, "it has ended by itself, and nothing was killed"
    process.send_signal(signal.SIGKILL)
    process.wait()


@contextmanager
def held_up(pair: Pair, table: str) -> Iterator[None]:
    """Keep the load from this table, so that it is in the middle of its work."""
    with pair.on_target() as conn, conn.transaction():
        conn.execute(f'lock table shop."{table}" in access exclusive mode')
        yield


def loaded(pair: Pair) -> dict[str, Any]:
    with pair.on_target() as conn:
        return {name: (at, point) for name, at, point in conn.execute(LOADED)}


def waiting_for_lock(pair: Pair) -> bool:
    query = (
        "select count(*) from pg_stat_activity where datname = %s and wait_event_type = 'Lock' and query ~ 'TRUNCATE'"
    )
    with pair.on_target() as conn:
        return bool(conn.execute(query, (pair.name,)).fetchone()[0])


def snapshot(pair: Pair) -> tuple[int, str, str]:
    with pair.on_source() as conn:
        return conn.execute(SNAPSHOT).fetchone()


def test_a_killed_loader_goes_on_with_the_tables_that_are_left(pair):
    pair.run_all(PREPARE)
    keeper = pair.begin(KeepSnapshotOperator)
    with held_up(pair, "clicks"):
        loader = killable(pair, LoadTablesOperator)
        eventually(lambda: len(loaded(pair)) >= 1 and waiting_for_lock(pair), "some tables to be loaded")
        kill(loader)
        before = loaded(pair)
    with pair.on_source() as conn:
        conn.execute("delete from shop.clicks where millis < 100")
        conn.execute("update shop.customers set credit = 0 where id < 100")

    said = pair.run(LoadTablesOperator, **ONE_STREAM)
    keeper.join(30)

    assert f"{len(before)} were loaded already" in said["changes"][0]
    assert before.items() <= loaded(pair).items()
    assert snapshot(pair)[0] == 1 and not pair.failures
    pair.run_all(STREAM)
    assert unequal(pair) == []


def test_a_killed_keeper_makes_the_load_begin_anew_and_leaves_no_slot_behind(pair):
    pair.run_all(PREPARE)
    keeper = killable(pair, KeepSnapshotOperator)
    with held_up(pair, "clicks"):
        loader = pair.begin(LoadTablesOperator, **ONE_STREAM)
        eventually(lambda: len(loaded(pair)) >= 1 and waiting_for_lock(pair), "some tables to be loaded")
        kill(keeper)
        first = snapshot(pair)
        with pair.on_source() as conn:
            conn.execute("update shop.customers set name = 'changed after the first snapshot' where id % 5 = 0")
            conn.execute("delete from shop.orders where id < 500")

    said = pair.run(KeepSnapshotOperator)
    loader.join(60)

    assert not loader.is_alive() and not pair.failures
    assert "has ended: the load begins anew" in said["warnings"][0]
    loads, slot, point = snapshot(pair)
    assert (first[0], loads) == (1, 2) and point != first[2]
    assert {at[1] for at in loaded(pair).values()} == {point}
    assert pair.slots() == [slot]
    pair.run_all(STREAM)
    assert unequal(pair) == []


def test_a_snapshot_that_nobody_reads_is_let_go_with_its_slot(pair, monkeypatch):
    monkeypatch.setattr(native_keeper, "UNREAD_MINUTES", 0)
    pair.run_all(PREPARE)

    with pytest.raises(AirflowFailException, match="nobody has read from the snapshot"):
        pair.run(KeepSnapshotOperator)

    assert pair.slots() == []


def test_a_slot_stays_when_nobody_can_tell_whether_its_load_is_over(pair, monkeypatch):
    def stopped(*_: object) -> None:
        raise RuntimeError("the worker is stopped")

    def unreachable(*_: object) -> None:
        raise NotYet("the source cannot be reached")

    pair.run_all(PREPARE)
    monkeypatch.setattr(KeepSnapshotOperator, "_watch", stopped)
    monkeypatch.setattr(KeepSnapshotOperator, "_snapshot", unreachable)

    with pytest.raises(RuntimeError, match="the worker is stopped") as caught:
        pair.run(KeepSnapshotOperator)

    assert len(pair.slots()) == 1
    assert "may be left" in caught.value.__notes__[0]


def test_a_second_keeper_watches_the_session_of_the_first(pair):
    pair.run_all(PREPARE)
    first = pair.begin(KeepSnapshotOperator)
    eventually(pair.slots, "the slot")
    second = pair.begin(KeepSnapshotOperator)

    pair.run(LoadTablesOperator)
    first.join(30)
    second.join(30)

    assert not pair.failures and snapshot(pair)[0] == 1


def test_a_slot_of_somebody_else_with_our_name_is_not_touched(pair):
    from pg_cdc.decisions.native.names import slot
    from pg_cdc.spec import migration_from_mapping

    pair.run_all(PREPARE)
    name = slot(migration_from_mapping(pair.migration))
    with pair.on_source() as conn:
        conn.execute("select pg_create_logical_replication_slot(%s, 'test_decoding')", (name,))

    with pytest.raises(AirflowFailException, match="the ledger does not give to this migration"):
        pair.run(KeepSnapshotOperator)

    assert pair.slots() == [name]
