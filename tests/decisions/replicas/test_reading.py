"""Reading from a read replica: what has to be so, what the endpoint looks like, and whose slot it is."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pg_cdc.config import Plugin
from pg_cdc.decisions import names
from pg_cdc.decisions.dms.endpoints import makes_slot, wanted_source
from pg_cdc.decisions.preflight.keys import planned_plugin
from pg_cdc.decisions.preflight.versions import dms_engine_findings
from pg_cdc.decisions.replicas.reading import Reader, reader_findings
from pg_cdc.decisions.teardown.facts import SourceState
from pg_cdc.decisions.teardown.residue import Fate, judge
from pg_cdc.decisions.teardown.source import source_items
from pg_cdc.decisions.world import Slot
from tests.decisions.parameters.parameter_world import aurora, migration, rds, server, slots

SOURCE = rds(version="17.4", replicas=("shop-r1",))
DATABASE = replace(rds(identifier="shop-r1", version="17.4", replica_of="shop"), host="replica")
READY = {"wal_level": "logical", "hot_standby_feedback": "on", "max_replication_slots": "10"}
OURS = Slot(name="pg_cdc_dms_orders", plugin="test_decoding", slot_type="logical", database="shop", active=False)


def spec(**replication):
    return migration(source={"read_from": "shop-r1"}, replication=replication)


def reader(version_num=170004, found=(), **settings) -> Reader:
    facts = server(**{**READY, **settings})
    return Reader(database=DATABASE, server=replace(facts, version_num=version_num, in_recovery=True), slots=found)


def codes(one, *, wanted=None, source=SOURCE, own=frozenset()) -> list[str]:
    return [finding.code for finding in reader_findings(wanted or spec(), source, one, own)]


def test_a_replica_that_is_ready_is_only_told_of():
    assert codes(reader()) == ["replica_slot_fills_replica"]


def test_without_one_there_is_nothing_to_say():
    assert codes(None, wanted=migration()) == []


@pytest.mark.parametrize(
    ("one", "wanted", "source", "code"),
    [
        pytest.param(reader(), spec(), aurora(), "not_its_read_replica", id="aurora"),
        pytest.param(
            replace(reader(), database=replace(DATABASE, replica_of="other")),
            spec(),
            SOURCE,
            "not_its_read_replica",
            id="of-another-instance",
        ),
        pytest.param(
            replace(reader(), database=replace(DATABASE, replica_of=None)),
            spec(),
            SOURCE,
            "not_its_read_replica",
            id="promoted",
        ),
        pytest.param(reader(150004), spec(), SOURCE, "replica_too_old_to_decode", id="15"),
        pytest.param(reader(), spec(plugin="pglogical"), SOURCE, "replica_needs_test_decoding", id="pglogical"),
        pytest.param(reader(), spec(migration_type="cdc"), SOURCE, "replica_needs_full_load", id="changes-alone"),
        pytest.param(reader(wal_level="replica"), spec(), SOURCE, "replica_not_logical", id="not-logical"),
        pytest.param(reader(hot_standby_feedback="off"), spec(), SOURCE, "replica_without_feedback", id="no-feedback"),
        pytest.param(reader(found=slots(10)), spec(), SOURCE, "replica_without_free_slot", id="all-slots-taken"),
        pytest.param(reader(found=(OURS,)), spec(), SOURCE, "replica_slot_taken", id="somebody-has-that-name"),
    ],
)
def test_stops_the_run(one, wanted, source, code):
    assert code in codes(one, wanted=wanted, source=source)


def test_the_slot_of_an_earlier_run_is_no_trouble():
    assert codes(reader(found=(OURS,)), own={OURS.name}) == []


def test_a_load_alone_needs_no_slot_there():
    assert codes(reader(wal_level="replica"), wanted=spec(migration_type="full-load")) == []


@pytest.mark.parametrize(("engine", "found"), [("3.5.4", ["dms_version_too_old"]), ("3.6.1", [])])
def test_dms_reads_replicas_from_3_6_1_on(engine, found):
    ends = {"source": replace(server(), version_num=160002)}

    assert [one.code for one in dms_engine_findings("ri", engine, ends, replica=True)] == found


def test_the_endpoint_is_at_the_replica_with_the_slot_and_without_a_heartbeat():
    endpoint = wanted_source(spec(), DATABASE, None)

    assert endpoint.server == "replica"
    assert endpoint.settings["SlotName"] == names.slot("orders") == OURS.name
    assert endpoint.settings["PluginName"] == "test-decoding"
    assert endpoint.settings["HeartbeatEnable"] is False


@pytest.mark.parametrize(
    ("wanted", "makes"),
    [(migration(), False), (spec(), True), (spec(migration_type="full-load"), False)],
    ids=["from-the-source", "from-a-replica", "a-load-alone"],
)
def test_the_slot_is_ours_to_make_on_a_replica_only(wanted, makes):
    assert makes_slot(wanted) is makes
    assert ("SlotName" in wanted_source(wanted, DATABASE, server()).settings) is makes


def test_on_a_replica_test_decoding_is_taken_also_where_pglogical_could_be_had():
    assert spec().replication.plugin is planned_plugin(spec(), server()) is Plugin.TEST_DECODING
    assert spec(plugin="pglogical").replication.plugin is Plugin.PGLOGICAL
    assert planned_plugin(migration(), server()) is Plugin.PGLOGICAL


LEDGER = {"owner_kind": "dms-task", "owner_id": "arn", "plugin": "test_decoding", "how": "made"}


def residue(**fields) -> tuple[Fate, str]:
    from pg_cdc.decisions.dms.streaming import LedgerRow

    row = LedgerRow(slot_name=OURS.name, migration=fields.pop("recorded", "orders"), **LEDGER)
    state = SourceState(
        migration="orders", database="shop", role="app_dms", schema="s", replica="shop-r1", ledger=(row,), **fields
    )
    (trace,) = (item.trace for item in source_items(state, {}) if item.trace.name == f"{OURS.name} of shop-r1")
    return judge(trace).fate, trace.command


@pytest.mark.parametrize(
    ("fields", "fate"),
    [
        pytest.param({"replica_slots": (OURS,)}, Fate.LEFT, id="there"),
        pytest.param({}, Fate.GONE, id="gone"),
        pytest.param({"replica_slots": (OURS,), "recorded": "second"}, Fate.FOREIGN, id="anothers"),
        pytest.param({"replica_why": "no answer"}, Fate.UNCHECKED, id="away"),
    ],
)
def test_a_teardown_tells_of_the_slot_on_the_replica(fields, fate):
    assert residue(**fields)[0] is fate
