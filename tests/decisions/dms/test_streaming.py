"""The slot of a task is found by who reads it, the ledger and what was there before; a tie chooses none."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pg_cdc.decisions.dms.start import SlotFate
from pg_cdc.decisions.dms.streaming import (
    LedgerRow,
    Marker,
    SlotReader,
    find_task_slot,
    is_proved,
    slot_facts,
    slot_fate,
    stream_of,
)
from pg_cdc.decisions.world import Slot

TASK = "arn:aws:dms:eu-west-1:123456789012:task:ABC"
SLOT = Slot(name="a", plugin="test_decoding", slot_type="logical", database="shop", active=True, retained_bytes=9)
READER = SlotReader(slot=SLOT, role="app_dms")


def reader(name: str, **change) -> SlotReader:
    role = change.pop("role", "app_dms")
    return SlotReader(slot=replace(SLOT, name=name, **change), role=role)


def row(slot: str, kind: str = "dms-task", owner: str = TASK) -> LedgerRow:
    return LedgerRow(slot_name=slot, owner_kind=kind, owner_id=owner, migration="shop", plugin="x", how="recorded")


def found(readers, ledger=()) -> str | None:
    slot = find_task_slot(readers, ledger, task_arn=TASK, role="app_dms", database="shop").slot
    return slot and slot.name


@pytest.mark.parametrize(
    ("readers", "ledger", "name"),
    [
        pytest.param([READER], [], "a", id="the-one-slot"),
        pytest.param([], [], None, id="no-slot"),
        pytest.param([reader("a", active=False, role=None)], [], None, id="an-idle-slot-proves-nothing"),
        pytest.param([reader("a", active=False, role=None)], [row("a")], "a", id="an-idle-slot-of-the-ledger-is-known"),
        pytest.param([READER, reader("b", role="debezium")], [], "a", id="another-role-reads-the-other"),
        pytest.param([READER, reader("b", database="billing")], [], "a", id="another-database"),
        pytest.param([READER, reader("b", slot_type="physical", database=None)], [], "a", id="a-reader-of-the-cluster"),
        pytest.param([READER, reader("b", temporary=True)], [], "a", id="a-temporary-slot"),
        pytest.param([READER, reader("b")], [], None, id="two-and-nothing-decides"),
        pytest.param([READER, reader("b")], [row("a", "unknown", "")], "b", id="one-was-there-before"),
        pytest.param([READER, reader("b")], [row("a", owner="arn:other")], "b", id="one-is-another-tasks"),
        pytest.param([READER, reader("b")], [row("b")], "b", id="the-ledger-decides"),
        pytest.param([READER, reader("b")], [row("gone")], None, id="the-ledger-names-a-slot-that-is-gone"),
        pytest.param([reader("a")], [row("a", "unknown", "")], "a", id="resumed-on-a-slot-that-was-there-before"),
    ],
)
def test_find_task_slot(readers, ledger, name):
    assert found(readers, ledger) == name


def test_a_tie_names_the_candidates():
    choice = find_task_slot([READER, reader("b")], [], task_arn=TASK, role="app_dms", database="shop")

    assert choice.candidates == ("a", "b")
    assert slot_facts(choice)["candidates"] == ["a", "b"]


def test_the_slot_of_the_report_says_how_it_was_found():
    facts = slot_facts(find_task_slot([READER], [], task_arn=TASK, role="app_dms", database="shop"))

    assert facts["name"] == "a"
    assert facts["active"] is True
    assert facts["retained_bytes"] == 9
    assert "app_dms" in facts["how"]


@pytest.mark.parametrize(
    ("readers", "ledger", "fate"),
    [
        pytest.param([READER], [], SlotFate.UNKNOWN, id="nothing-recorded"),
        pytest.param([READER], [row("a")], SlotFate.KEPT, id="there"),
        pytest.param([], [row("a")], SlotFate.LOST, id="gone"),
        pytest.param([reader("a", wal_status="lost")], [row("a")], SlotFate.LOST, id="invalidated"),
        pytest.param([READER], [row("a", owner="arn:other")], SlotFate.UNKNOWN, id="another-tasks"),
    ],
)
def test_slot_fate(readers, ledger, fate):
    assert slot_fate(readers, ledger, TASK) is fate


STREAM = stream_of(TASK, "2026-11-20T10:00:00")
PROVED = Marker(token="t", stream=STREAM, seconds=0.4)


@pytest.mark.parametrize(
    ("source", "target_token", "proved"),
    [
        pytest.param(PROVED, "t", True, id="arrived"),
        pytest.param(PROVED, "older", False, id="the-target-has-an-older-one"),
        pytest.param(PROVED, None, False, id="the-target-has-none"),
        pytest.param(None, None, False, id="never-written"),
        pytest.param(replace(PROVED, seconds=None), "t", False, id="arrived-but-not-seen"),
        pytest.param(replace(PROVED, stream="an earlier start"), "t", False, id="of-an-earlier-start-of-the-task"),
    ],
)
def test_the_stream_is_proved(source, target_token, proved):
    assert is_proved(source, target_token, STREAM) is proved
