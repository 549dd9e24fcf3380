"""The report of a run of slot hygiene: what needs a human first, what could not be checked said as such."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from pg_cdc.decisions.slots.actions import changed_alarms, choose_drops
from pg_cdc.decisions.slots.policy import GIB, Policy
from pg_cdc.decisions.slots.report import (
    DropLine,
    RunReport,
    SourceReport,
    as_json,
    as_markdown,
    metrics,
    source_values,
    unchecked,
)
from pg_cdc.decisions.slots.run import Mode
from pg_cdc.decisions.slots.verdict_values import verdict_of, verdict_values
from pg_cdc.decisions.slots.verdicts import judge_source
from pg_cdc.decisions.slots.world import CacheRate, SourceFacts, Storage
from tests.decisions.slots.slot_facts import (
    ACTIVE,
    ACTS,
    GONE,
    HOUR,
    IDLE,
    STRANGER,
    TASK,
    UNCHECKED,
    abandoned,
    every_hour,
    judge,
    server,
)

PRESENT = Mode(acts=True, why="a scheduled run of the present")
DEAD = SourceReport(identifier="shop-2", error="no answer in 5 s")
IN_NEED = abandoned(history=every_hour(25, wal_per_hour=GIB), storage=Storage(free_bytes=10 * GIB, how="CloudWatch"))


def checked(facts: SourceFacts, policy: Policy = ACTS) -> SourceReport:
    return SourceReport(identifier=facts.identifier, facts=facts, verdicts=judge_source(facts, policy))


def report(*sources: SourceReport, policy: Policy = ACTS, **more):
    judged = [(source.identifier, verdict) for source in sources for verdict in source.verdicts]
    plan = choose_drops(judged, policy, acts=True)
    run = RunReport(sources=[source_values(source, policy) for source in sources], mode=PRESENT, plan=plan, **more)
    return as_json(run)


def text(*sources: SourceReport, **more) -> str:
    return as_markdown(report(*sources, **more))


@pytest.mark.parametrize(
    ("sources", "headline"),
    [
        pytest.param([], "0 slots on 0 sources, nothing to worry about", id="nothing"),
        pytest.param([checked(server())], "1 slot on 1 source, nothing to worry about", id="well"),
        pytest.param([checked(server()), checked(IN_NEED)], "2 slots on 2 sources, 1 alarm", id="an-alarm"),
        pytest.param(
            [checked(server(replace(ACTIVE, wal_status="lost"))), checked(IN_NEED), checked(abandoned())],
            "3 slots on 3 sources, 1 lost, 1 alarm, 1 watch",
            id="the-gravest-first",
        ),
        pytest.param([DEAD], "0 slots on 1 source, 1 could not be checked", id="what-was-not-checked-is-not-well"),
        pytest.param([checked(server()), DEAD], "1 slot on 2 sources, 1 could not be checked", id="one-of-two"),
    ],
)
def test_the_headline_tells_how_it_stands(sources, headline):
    assert text(*sources).startswith(f"# Slot hygiene: {headline}\n")


def test_what_could_not_be_checked_is_data_and_fails_the_run():
    values = report(checked(server()), DEAD)

    assert values["unchecked"] == ["shop-2: no answer in 5 s"]
    assert unchecked(values["sources"]) == ("shop-2: no answer in 5 s",)
    assert "## Could not check\n\n- shop-2: no answer in 5 s" in as_markdown(values)


def test_a_dead_source_hides_no_other():
    assert "| a | healthy |" in text(DEAD, checked(server()))


def test_a_slot_is_told_in_one_row():
    assert "| a | orphan, to be dropped | alarm | 1.0 GiB | 10.0 h | 25.0 h | dms-task " + TASK in text(
        checked(IN_NEED)
    )


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        pytest.param(IN_NEED, "10.0 GiB free (CloudWatch).", id="what-is-free-and-how-that-is-known"),
        pytest.param(
            server(storage=Storage(how="CloudWatch: AccessDenied")),
            "what is free is not known (CloudWatch: AccessDenied).",
            id="why-it-is-not-known",
        ),
        pytest.param(server(slots=()), "No slots.", id="no-slots"),
        pytest.param(server(replace(IDLE, retained_bytes=None)), "| a | healthy |  |  |  |", id="unknown-is-empty"),
        pytest.param(server(owner=STRANGER), "| unknown |", id="an-unknown-owner"),
        pytest.param(server(IDLE, owner_look=UNCHECKED), "could not check that it exists", id="an-unchecked-owner"),
    ],
)
def test_a_server_is_told(facts, words):
    assert words in text(checked(facts))


def test_the_worst_slot_of_a_server_comes_first():
    slots = tuple(replace(ACTIVE, name=name, wal_status=status) for name, status in (("b", "reserved"), ("c", "lost")))

    values = source_values(checked(replace(server(), slots=slots)), ACTS)

    assert [slot["slot"]["name"] for slot in values["slots"]] == ["c", "b"]


def test_of_equally_bad_slots_the_one_to_be_dropped_comes_first():
    orphan = judge(abandoned())
    others = [replace(orphan, drop=drop, slot=replace(IDLE, name=name)) for drop, name in ((False, "a"), (True, "b"))]

    values = source_values(replace(checked(abandoned()), verdicts=tuple(others)), ACTS)

    assert [slot["slot"]["name"] for slot in values["slots"]] == ["b", "a"]


def test_what_is_done_is_told():
    dropped = DropLine(identifier="shop-1", slot="a", dropped=True, text="dropped: 1.0 GiB freed")
    alarms = changed_alarms("shop-1", judge_source(IN_NEED, ACTS), {})

    markdown = text(checked(IN_NEED), drops=[dropped], alarms=alarms)

    assert "## Dropped\n\n- shop-1/a: dropped: 1.0 GiB freed" in markdown
    assert "## Alarms that changed\n\n- shop-1/a: alarm (was well)" in markdown


def test_a_dry_run_tells_what_would_go():
    markdown = text(checked(abandoned()), policy=Policy())

    assert "## Would go, but not now: dry run\n\n- shop-1/a" in markdown
    assert "## Dropped" not in markdown


def test_the_report_is_json():
    values = report(checked(IN_NEED), checked(server(owner_look=GONE)), DEAD)

    assert json.loads(json.dumps(values)) == values


def test_the_page_is_made_from_the_json_that_was_stored():
    values = report(checked(IN_NEED), DEAD)

    assert as_markdown(json.loads(json.dumps(values))) == as_markdown(values)


def test_the_same_run_gives_the_same_page():
    assert text(checked(IN_NEED), DEAD) == text(checked(IN_NEED), DEAD)


@pytest.mark.parametrize(
    "facts",
    [
        pytest.param(server(), id="healthy"),
        pytest.param(IN_NEED, id="an-orphan"),
        pytest.param(server(owner=STRANGER), id="foreign"),
        pytest.param(server(replace(ACTIVE, slot_type="physical")), id="physical"),
    ],
)
def test_a_verdict_goes_through_json_unchanged(facts):
    verdict = judge(facts)

    assert verdict_of(json.loads(json.dumps(verdict_values(verdict)))) == verdict


def test_the_values_of_a_verdict_are_plain():
    """Airflow's XCom takes no enums: their classes would have to be known to it."""

    def leaves(value):
        if isinstance(value, dict):
            return [leaf for item in value.values() for leaf in leaves(item)]
        return [leaf for item in value for leaf in leaves(item)] if isinstance(value, list) else [value]

    assert {type(leaf) for leaf in leaves(verdict_values(judge(IN_NEED)))} <= {str, int, float, bool, type(None)}


def test_the_gauges_of_a_slot():
    gauges = metrics("shop-1", judge_source(IN_NEED, ACTS))

    assert {name: value for name, value, _ in gauges} == {
        "pg_cdc.slot.retained_bytes": GIB,
        "pg_cdc.slot.runway_hours": pytest.approx(10),
        "pg_cdc.slot.idle_seconds": 25 * HOUR,
    }
    assert all(tags == {"source": "shop-1", "slot": "a"} for _, _, tags in gauges)


def test_what_is_not_known_has_no_gauge():
    gauges = metrics("shop-1", judge_source(server(replace(IDLE, retained_bytes=None)), ACTS))

    assert gauges == ()


@pytest.mark.parametrize(
    ("hit_percent", "advised"),
    [
        pytest.param(89.9, True, id="under-the-bound"),
        pytest.param(90.0, False, id="at-the-bound"),
        pytest.param(None, False, id="nothing-was-read"),
        pytest.param(0.0, True, id="never-hit"),
    ],
)
def test_a_cache_that_misses_names_the_setting_and_what_it_costs(hit_percent, advised):
    markdown = text(checked(server(cache_rates=(CacheRate(slot="a", hit_percent=hit_percent),))))

    assert ("rds.logical_wal_cache" in markdown) is advised
    assert ("memory" in markdown and "reboot" in markdown) is advised


def test_without_the_function_nothing_is_said_of_the_cache():
    assert "cache" not in text(checked(server()))
