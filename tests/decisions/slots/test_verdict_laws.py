"""What holds of every verdict, whatever the columns of a slot and the books of hygiene hold."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from pg_cdc.decisions.slots.verdicts import Kind
from pg_cdc.decisions.slots.world import Observation, SlotRow, Storage, Watch
from tests.decisions.slots.slot_facts import DAY, EXISTS, GONE, NOW, OWNER, STRANGER, TASK, UNCHECKED, judge, server

LSN = st.none() | st.integers(0, 2**63)
TIMES = st.none() | st.floats(NOW - 40 * DAY, NOW + DAY)
MAYBE = st.none() | st.booleans()
SHAPES = st.builds(
    SlotRow,
    name=st.just("a"),
    slot_type=st.sampled_from(["logical", "physical", "of a later version"]),
    plugin=st.none() | st.just("pgoutput"),
    temporary=st.booleans(),
    active=st.booleans(),
    restart_lsn=LSN,
    confirmed_flush_lsn=LSN,
    retained_bytes=st.none() | st.integers(-(2**40), 2**63),
    catalog_xmin_age=st.none() | st.integers(-1, 2**31),
    wal_status=st.sampled_from([None, "reserved", "extended", "unreserved", "lost", "of a later version"]),
    safe_wal_size=st.none() | st.integers(-(2**40), 2**63),
    inactive_since=TIMES,
    conflicting=MAYBE,
    invalidation_reason=st.none() | st.just("wal_removed"),
    failover=MAYBE,
    synced=MAYBE,
)
SEEN = st.builds(
    Observation,
    at=st.floats(NOW - 40 * DAY, NOW + DAY),
    active=st.booleans(),
    wal_lsn=st.integers(0, 2**63),
    restart_lsn=LSN,
    confirmed_flush_lsn=LSN,
    retained_bytes=LSN,
)
SERVERS = st.builds(
    lambda slot, owner, owner_look, history, gone_since, storage: server(
        slot,
        owner=owner,
        owner_look=owner_look,
        history=history,
        watch=Watch(owner_id=TASK, gone_since=gone_since),
        storage=storage,
    ),
    slot=SHAPES,
    owner=st.sampled_from([OWNER, STRANGER]),
    owner_look=st.sampled_from([None, EXISTS, GONE, UNCHECKED]),
    history=st.lists(SEEN, max_size=5, unique_by=lambda seen: seen.at),  # the key of pgcdc.slot_observation
    gone_since=TIMES,
    storage=st.builds(Storage, free_bytes=LSN, max_slot_wal_keep_bytes=LSN),
)


@given(facts=SERVERS)
def test_whatever_the_columns_hold_there_is_a_verdict_with_a_reason(facts):
    verdict = judge(facts)

    assert all(verdict.reasons)
    assert verdict.runway.text
    assert verdict.idle_seconds is None or verdict.idle_seconds >= 0
    assert verdict.drop <= (verdict.kind is Kind.ORPHAN)


@given(facts=SERVERS)
def test_a_verdict_is_the_same_each_time(facts):
    assert judge(facts) == judge(replace(facts, history={"a": tuple(reversed(facts.history["a"]))}))
