"""The life of an orphan, run by run: nobody drops it at first sight, nor within grace, nor a stranger's beside it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import pytest

from pg_cdc.decisions.slots.actions import choose_drops, next_watches
from pg_cdc.decisions.slots.policy import Policy
from pg_cdc.decisions.slots.verdicts import judge_source
from pg_cdc.hooks.slots.book import SlotBook
from pg_cdc.hooks.slots.drop import drop_slot
from tests.shell.hygiene.conftest import DMS_OWNER

POLICY = Policy(dry_run=False, grace_seconds=86400)


@dataclass
class Runs:
    """Runs of slot hygiene on one server, at moments of our choosing: ``hours`` from now, in the past."""

    watched: object
    dropped: list[str] = field(default_factory=list)

    def at(self, hours: float) -> None:
        """Look, judge, act and write down, as of ``hours`` ago."""
        facts = self.watched.facts()
        now = facts.at - hours * 3600
        facts = replace(facts, at=now, history=self._until(facts.history, now))
        verdicts = judge_source(facts, POLICY)
        plan = choose_drops([(facts.identifier, verdict) for verdict in verdicts], POLICY, acts=True)
        with self.watched.on_source("postgres") as conn:
            book = SlotBook(conn)
            book.ensure()
            book.observe(facts)
            book.save_watches(next_watches(facts, verdicts, told=True))
        for identifier, verdict in plan.drops:
            owner = facts.owners[verdict.name]
            if drop_slot(self.watched.migration, identifier, verdict.slot, owner).dropped:
                self.dropped.append(verdict.name)

    def _until(self, history, now):
        return {name: tuple(one for one in seen if one.at <= now) for name, seen in history.items()}


@pytest.fixture
def runs(watched) -> Runs:
    return Runs(watched)


def test_an_orphan_goes_a_day_after_it_was_first_seen_and_a_stranger_stays(watched, runs):
    orphan, stranger = watched.make_slot(owner=DMS_OWNER), watched.make_slot()

    for hours in (25, 13, 1.5):
        runs.at(hours)
        assert runs.dropped == []
    runs.at(0)
    runs.at(0)

    assert runs.dropped == [orphan]
    assert {slot.name for slot in watched.facts().slots} == {stranger}


def test_an_orphan_that_somebody_reads_once_is_not_one_any_more(watched, runs):
    orphan = watched.make_slot(owner=DMS_OWNER)
    runs.at(30)
    watched.write_wal()
    with watched.on_source() as conn:
        conn.execute("select count(*) from pg_logical_slot_get_changes(%s, null, null)", (orphan,))

    for hours in (3, 2, 0):
        runs.at(hours)

    assert runs.dropped == []


def test_a_task_that_comes_back_within_grace_keeps_its_slot(watched, runs, monkeypatch):
    from pg_cdc.facts.slots import server as slots

    watched.make_slot(owner=DMS_OWNER)
    runs.at(30)
    real = slots.read_tasks

    def back(migration, *, source_arn):
        return replace(real(migration, source_arn=source_arn), statuses={DMS_OWNER.owner_id: "stopped"})

    with monkeypatch.context() as patch:
        patch.setattr(slots, "read_tasks", back)
        runs.at(3)
    runs.at(0)

    assert runs.dropped == []


def test_an_orphan_that_dms_cannot_be_asked_about_stays(watched, runs, sandbox):
    orphan = watched.make_slot(owner=DMS_OWNER)
    runs.at(30)
    sandbox.faults.switch_on("throttle", service="dms", calls=100)
    runs.at(0)
    assert runs.dropped == []

    sandbox.faults.clear()
    runs.at(0)

    assert runs.dropped == [orphan]


def test_an_orphan_that_was_lost_goes_too(watched, runs):
    from tests.shell.hygiene.test_slot_facts import lose

    orphan = watched.make_slot(owner=DMS_OWNER)
    runs.at(30)
    lose(watched, orphan)
    runs.at(1)
    runs.at(0)

    assert runs.dropped == [orphan]
