"""A slot of ours goes as soon as nobody reads it; any other stays, even one of the same name."""

from __future__ import annotations

import subprocess
import time

import pytest
from airflow.sdk.exceptions import AirflowFailException

from pg_cdc.decisions.teardown.residue import Fate
from pg_cdc.facts.teardown.residue_ends import open_source
from pg_cdc.facts.teardown.residue_source import read_source_state
from pg_cdc.failures import NotYet
from pg_cdc.hooks.teardown_sql import drop_slot
from pg_cdc.operators.teardown.sql import DropSlotOperator
from tests.fix_sandbox import PASSWORD


@pytest.fixture
def ours(scene) -> str:
    return scene.slot(f"s_{scene.source.name}")


@pytest.fixture
def read(scene, ours):
    """Somebody reads our slot."""
    server = scene.source.server
    process = subprocess.Popen(
        [
            "pg_recvlogical",
            *("-h", server.host, "-p", str(server.port), "-U", server.user, "-d", scene.source.name),
            *("--slot", ours, "--start", "-f", "/dev/null", "--no-loop"),
        ],
        env={"PGPASSWORD": PASSWORD, "PGSSLMODE": "require", "PATH": "/usr/lib/postgresql/15/bin:/usr/bin:/bin"},
        stderr=subprocess.DEVNULL,
    )
    until(lambda: slots(scene)[ours])
    yield process
    process.terminate()
    process.wait()


def slots(scene) -> dict[str, bool]:
    return dict(scene.sql("SELECT slot_name::text, active FROM pg_replication_slots", dbname="postgres"))


def until(done, seconds: float = 20) -> None:
    ends = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < ends
        time.sleep(0.1)


def test_ours_is_dropped_once(scene, ours):
    assert scene.run(DropSlotOperator)["changes"] == [f"dropped replication slot {ours}"]
    assert slots(scene) == {}
    assert scene.run(DropSlotOperator)["changes"] == []


def test_one_that_dms_has_dropped_already_is_gone(scene, ours):
    scene.sql("SELECT pg_drop_replication_slot(%s)", ours)

    assert scene.run(DropSlotOperator)["changes"] == []
    assert scene.line("replication slot").fate is Fate.GONE


def test_a_strangers_slot_beside_it_stays(scene, ours):
    other = scene.slot(f"x_{scene.source.name}", recorded=False)

    scene.run(DropSlotOperator)

    assert slots(scene) == {other: False}
    line = scene.line("replication slot", name=other)
    assert line.fate is Fate.FOREIGN
    assert line.why == f"of database {scene.source.name}: no ledger gives it to a migration"


def test_a_physical_slot_is_nobodys_business_here(scene):
    scene.sql("SELECT pg_create_physical_replication_slot('standby')")

    assert [line.name for line in scene.residue() if line.kind == "replication slot"] == ["of migration shop"]


def test_one_that_was_there_before_the_task_is_not_ours(scene):
    from pg_cdc.hooks.control_tables import ensure_ledger, note_slots_before_start

    slot = scene.slot(f"x_{scene.source.name}", recorded=False)
    with scene.admin() as conn:
        ensure_ledger(conn)
        note_slots_before_start(conn, scene.name)

    assert scene.run(DropSlotOperator)["changes"] == []
    assert slot in slots(scene)


def test_one_of_our_slots_name_in_another_database_is_not_ours(scene, ours):
    scene.sql("SELECT pg_drop_replication_slot(%s)", ours)
    scene.sql("SELECT pg_create_logical_replication_slot(%s, 'test_decoding')", ours, dbname=scene.copy)

    assert scene.run(DropSlotOperator)["changes"] == []
    assert ours in slots(scene)
    assert scene.fates()[f"replication slot {ours}"] is not Fate.LEFT


def test_one_that_is_read_is_waited_for_and_then_told_who_reads_it(scene, ours, read):
    with pytest.raises(AirflowFailException) as refused:
        scene.run(DropSlotOperator, release_minutes=0)

    assert f"slot {ours} is read by postgres (process" in str(refused.value)
    assert "pg_terminate_backend" in str(refused.value)
    assert slots(scene) == {ours: True}


def test_one_that_is_let_go_while_it_is_waited_for_is_dropped(scene, ours, read):
    read.terminate()

    assert scene.run(DropSlotOperator)["changes"] == [f"dropped replication slot {ours}"]


def slot_of(state, name):
    return next(slot for slot in state.slots if slot.name == name)


@pytest.mark.parametrize("plugin", ["test_decoding", "pglogical_output"])
def test_one_made_anew_by_somebody_between_look_and_drop_stays(scene, ours, plugin):
    """The same name, the same database, even the same plugin: only its position tells that it is another one."""
    with open_source(scene.migration) as end:
        state = read_source_state(end, scene.migration)
        scene.sql("SELECT pg_drop_replication_slot(%s)", ours)
        scene.sql("SELECT pg_logical_emit_message(true, 'x', 'y')")
        scene.sql("SELECT pg_create_logical_replication_slot(%s, %s)", ours, plugin)

        with pytest.raises(NotYet, match="made anew"):
            drop_slot(end.conn, scene.migration, slot_of(state, ours))

    assert ours in slots(scene)


def test_one_that_the_ledger_gives_to_another_by_now_stays(scene, ours):
    with open_source(scene.migration) as end:
        state = read_source_state(end, scene.migration)
        scene.sql("UPDATE pgcdc.slot_owner SET migration = 'second'")

        with pytest.raises(NotYet):
            drop_slot(end.conn, scene.migration, slot_of(state, ours))

    assert ours in slots(scene)


def test_one_that_is_read_again_between_look_and_drop_stays(scene, ours, read):
    with open_source(scene.migration) as end:
        state = read_source_state(end, scene.migration)

        with pytest.raises(NotYet):
            drop_slot(end.conn, scene.migration, slot_of(state, ours))

    assert slots(scene) == {ours: True}
