"""What is loaded, in which order and form, and what the keeper of the snapshot does: as tables."""

from __future__ import annotations

import pytest

from pg_cdc.decisions.native.keeper import Action, next_keeping
from pg_cdc.decisions.native.load import Progress, cores_of, helpers, index_jobs, remaining, streams, told
from pg_cdc.decisions.native.publication import keyless, native_scope
from pg_cdc.decisions.native.world import Column, LoadedTable, LoadFacts, PublishedTable
from pg_cdc.decisions.world import Table
from pg_cdc.failures import Differs, NotOurs
from tests.decisions.native.native_facts import slot, snapshot
from tests.decisions.parameters.parameter_world import migration

ID = Column(name="id", type="integer", generated=False, binary=True)
STATES = Column(name="states", type="shop.state[]", generated=False, binary=False)
TAX = Column(name="tax", type="numeric", generated=True, binary=True)
BIG, SMALL = ("shop", "big"), ("shop", "small")


def facts(*, here=(ID,), there=None, loaded=(), **fields) -> LoadFacts:
    return LoadFacts(
        **{
            "snapshot": snapshot(),
            "published": tuple(PublishedTable(name=n, bytes=b, estimated_rows=1) for n, b in ((SMALL, 1), (BIG, 9))),
            "loaded": {
                name: LoadedTable(name=name, consistent_point=p, rows=1, bytes=1, seconds=1) for name, p in loaded
            },
            "source_columns": {BIG: here, SMALL: (ID,)},
            "target_columns": {BIG: here if there is None else there, SMALL: (ID,)},
            **fields,
        }
    )


@pytest.mark.parametrize(
    ("found", "names"),
    [
        pytest.param(facts(), [BIG, SMALL], id="all-the-largest-first"),
        pytest.param(facts(loaded=[(BIG, "0/10")]), [SMALL], id="not-what-is-loaded-as-of-this-snapshot"),
        pytest.param(facts(loaded=[(BIG, "0/9")]), [BIG, SMALL], id="again-what-an-earlier-snapshot-showed"),
        pytest.param(facts(snapshot=None), [BIG, SMALL], id="all-before-there-is-a-snapshot"),
    ],
)
def test_what_is_left(found, names):
    assert [copy.name for copy in remaining(found)] == names


@pytest.mark.parametrize(
    ("found", "binary"),
    [
        pytest.param(facts(), True, id="the-same-types"),
        pytest.param(facts(here=(ID, STATES)), False, id="a-type-that-holds-oids"),
        pytest.param(
            facts(there=(Column(name="id", type="bigint", generated=False, binary=True),)), False, id="another-type"
        ),
        pytest.param(facts(here=(ID, TAX)), True, id="a-generated-column-is-not-copied"),
    ],
)
def test_the_form_of_a_copy(found, binary):
    (copy,) = (copy for copy in remaining(found) if copy.name == BIG)

    assert copy.binary is binary
    assert "tax" not in copy.columns


@pytest.mark.parametrize(
    "found",
    [
        pytest.param(facts(here=(ID, STATES), there=(ID,)), id="a-column-is-missing"),
        pytest.param(facts(target_columns={SMALL: (ID,)}), id="a-table-is-missing"),
    ],
)
def test_a_target_of_another_shape_is_refused(found):
    with pytest.raises(Differs, match=r"shop\.big"):
        remaining(found)


@pytest.mark.parametrize(
    ("instance_class", "cores"),
    [
        ("db.t3.medium", 2),
        ("db.r6g.large", 2),
        ("db.r6g.xlarge", 4),
        ("db.r6g.2xlarge", 8),
        ("db.m5.24xlarge", 96),
        ("db.serverless", 2),
        (None, 2),
    ],
)
def test_cores_by_class(instance_class, cores):
    assert cores_of(instance_class) == cores


@pytest.mark.parametrize(
    ("asked", "source", "target", "copies", "builds"),
    [
        pytest.param(None, "db.r6g.large", "db.t3.medium", 1, 2, id="two-cores-are-busy-with-one-copy"),
        pytest.param(None, "db.r6g.4xlarge", "db.r6g.2xlarge", 4, 8, id="the-smaller-end-decides"),
        pytest.param(None, "db.r6g.16xlarge", "db.r6g.16xlarge", 16, 8, id="never-more-than-some"),
        pytest.param(3, "db.r6g.large", "db.r6g.large", 3, 3, id="as-asked"),
    ],
)
def test_how_many_at_once(asked, source, target, copies, builds):
    assert (streams(asked, source, target), index_jobs(asked, target)) == (copies, builds)


@pytest.mark.parametrize(
    ("jobs", "indexes", "target", "each"),
    [
        pytest.param(2, 4, "db.t3.medium", 0, id="two-builds-keep-two-cores-busy"),
        pytest.param(2, 1, "db.t3.medium", 1, id="a-single-index-gets-the-other-core"),
        pytest.param(8, 3, "db.r6g.2xlarge", 1, id="what-is-left-is-shared"),
        pytest.param(8, 1, "db.r6g.16xlarge", 7, id="never-more-than-some"),
        pytest.param(2, 0, "db.t3.medium", 1, id="nothing-to-build"),
        pytest.param(2, 4, None, None, id="of-an-unknown-server-its-own-setting"),
    ],
)
def test_how_many_help_with_each_index(jobs, indexes, target, each):
    assert helpers(jobs, indexes, target) == each


@pytest.mark.parametrize(
    ("progress", "line"),
    [
        pytest.param(
            Progress(done=1, tables=4, bytes=10 << 20, total=30 << 20, seconds=5, now=("shop.a 7 rows",)),
            "1 of 4 tables, 10.0 MB of about 30.0 MB, 2.0 MB/s, about 10 s left; now shop.a 7 rows",
            id="rate-and-time-left",
        ),
        pytest.param(
            Progress(done=0, tables=1, bytes=0, total=10, seconds=0),
            "0 of 1 tables, 0 B of about 10 B, 0 B/s",
            id="start",
        ),
    ],
)
def test_progress_is_told_in_a_line(progress, line):
    assert told(progress) == line


@pytest.mark.parametrize(
    ("found", "there", "action"),
    [
        pytest.param(None, None, Action.MAKE, id="nothing-yet"),
        pytest.param(None, slot(), Action.MAKE_ANEW, id="a-slot-without-a-snapshot"),
        pytest.param(snapshot(), slot(), Action.WATCH, id="held-by-a-living-session"),
        pytest.param(snapshot(keeper_alive=False), slot(), Action.MAKE_ANEW, id="the-session-died"),
        pytest.param(snapshot(), None, Action.MAKE_ANEW, id="the-slot-was-dropped"),
        pytest.param(snapshot(), slot(wal_status="lost"), Action.MAKE_ANEW, id="the-slot-was-lost"),
        pytest.param(snapshot(slot_name="another"), slot(), Action.MAKE_ANEW, id="the-snapshot-is-of-another-slot"),
        pytest.param(snapshot(loaded=True, keeper_alive=False), slot(), Action.NOTHING, id="loaded"),
    ],
)
def test_what_the_keeper_does(found, there, action):
    assert next_keeping(found, there, name="s", owned=True).action is action


@pytest.mark.parametrize("there", [pytest.param(None, id="gone"), pytest.param(slot(wal_status="lost"), id="lost")])
def test_a_slot_that_is_lost_after_the_load_is_not_made_again_in_silence(there):
    with pytest.raises(Differs, match="every table is loaded"):
        next_keeping(snapshot(loaded=True), there, name="s", owned=True)


def test_a_slot_that_the_ledger_does_not_know_is_not_ours():
    with pytest.raises(NotOurs):
        next_keeping(snapshot(), slot(), name="s", owned=False)


PARENT = Table(schema="shop", name="orders", kind="p")
PART = Table(schema="shop", name="orders_q1", partition_of="shop.orders")
OTHER = Table(schema="shop", name="other")


@pytest.mark.parametrize(
    ("rules", "published", "made", "left_out"),
    [
        pytest.param(
            [{"schema": "shop", "table": "%"}],
            {"orders", "other"}, {"orders", "orders_q1", "other"}, set(), id="parents-stand-for-their-parts",
        ),
        pytest.param(
            [{"schema": "shop", "table": "%"}, {"schema": "shop", "table": "orders", "action": "exclude"}],
            {"orders_q1", "other"}, {"orders", "orders_q1", "other"}, set(), id="parts-alone-bring-their-parent-along",
        ),
        pytest.param(
            [{"schema": "shop", "table": "other"}], {"other"}, {"other"}, {"orders", "orders_q1"}, id="one-table"
        ),
    ],
)  # fmt: skip
def test_what_is_published_and_made(rules, published, made, left_out):
    scope = native_scope(migration(tables={"rules": rules}), (PARENT, PART, OTHER))

    assert {name for schema, name in scope.published if schema == "shop"} == published
    assert ("pgcdc", "marker") in scope.published
    assert {name for _, name in scope.made} == made
    assert {name for _, name in scope.left_out} == left_out


@pytest.mark.parametrize(
    ("table", "lacks"),
    [
        (Table(schema="shop", name="a"), False),
        (Table(schema="shop", name="a", has_primary_key=False), True),
        (Table(schema="shop", name="a", has_primary_key=False, identity="f"), False),
        (Table(schema="shop", name="a", has_primary_key=False, identity="i"), False),
        (Table(schema="shop", name="a", identity="n"), True),
        (Table(schema="shop", name="a", kind="p", has_primary_key=False), False),
    ],
)
def test_whose_updates_would_be_refused(table, lacks):
    scope = native_scope(migration(tables={"rules": [{"schema": "shop", "table": "%"}]}), (table,))

    assert bool(keyless(scope, (table,))) is lacks
