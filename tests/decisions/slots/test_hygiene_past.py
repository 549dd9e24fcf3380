"""The past is told from what was written down then; nothing follows from it."""

from __future__ import annotations

import pytest

from pg_cdc.decisions.slots.past import facts_of_the_past
from pg_cdc.decisions.slots.policy import Policy
from pg_cdc.decisions.slots.verdicts import judge_source
from pg_cdc.decisions.slots.world import (
    Observation,
    Owner,
    OwnerKind,
    OwnerLook,
    OwnerState,
    SlotRow,
    SourceFacts,
    Storage,
    Watch,
)

TASK = Owner(kind=OwnerKind.DMS_TASK, owner_id="arn:task", recorded_at=0.0)
NOW = SourceFacts(
    identifier="shop",
    at=100_000.0,
    version_num=170000,
    in_recovery=False,
    wal_lsn=9_000,
    slots=(
        SlotRow(
            name="orphan", slot_type="logical", plugin="test_decoding", database="shop", restart_lsn=100,
            confirmed_flush_lsn=100, retained_bytes=8_900, wal_status="lost", inactive_since=1.0,
        ),
    ),
    owners={"orphan": TASK},
    looks={"orphan": OwnerLook(state=OwnerState.GONE, text="no such task")},
    watches={"orphan": Watch(owner_id="arn:task", gone_since=1.0, severity="alarm")},
    storage=Storage(free_bytes=1),
)  # fmt: skip


def look(at: float, *, retained: int = 500) -> Observation:
    return Observation(
        at=at, active=False, wal_lsn=int(at), restart_lsn=100, confirmed_flush_lsn=100, retained_bytes=retained
    )


BOOKS = {
    "orphan": (look(100), look(1_000, retained=900), look(5_000)),
    "dropped": (look(1_000),),
    "later": (look(6_000),),
}


def test_the_slots_are_those_seen_in_the_interval_as_they_stood_at_its_last_look():
    then = facts_of_the_past(NOW, BOOKS, start=900, end=1_800)

    assert then is not None
    assert (then.at, then.wal_lsn) == (1_000, 1_000)
    assert {slot.name: slot.retained_bytes for slot in then.slots} == {"orphan": 900, "dropped": 500}


def test_what_was_not_written_down_is_not_known():
    then = facts_of_the_past(NOW, BOOKS, start=900, end=1_800)

    assert then is not None
    (slot,) = (slot for slot in then.slots if slot.name == "orphan")
    assert (slot.plugin, slot.database) == ("test_decoding", "shop")
    assert (slot.wal_status, slot.inactive_since) == (None, None)
    assert then.storage.free_bytes is None
    assert then.watches == {}


def test_earlier_looks_tell_the_rate_and_later_ones_nothing():
    then = facts_of_the_past(NOW, BOOKS, start=900, end=1_800)

    assert then is not None
    assert then.history["orphan"] == (look(100),)


@pytest.mark.parametrize(("start", "end"), [(2_000, 3_000), (7_000, 8_000)], ids=["between-looks", "after-all"])
def test_an_interval_in_which_nobody_looked_has_no_facts(start, end):
    assert facts_of_the_past(NOW, BOOKS, start=start, end=end) is None


def test_an_orphan_of_now_is_not_to_be_dropped_by_a_run_of_then():
    then = facts_of_the_past(NOW, BOOKS, start=900, end=1_800)

    assert then is not None
    verdicts = {verdict.name: verdict for verdict in judge_source(then, Policy(grace_seconds=0, dry_run=False))}
    assert not any(verdict.drop for verdict in verdicts.values())
    assert "nobody is asked now about then" in verdicts["orphan"].reasons[0]
