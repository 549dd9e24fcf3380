"""Of a migration's DMS resources, ours go, unless somebody else uses them or they are kept as asked."""

from __future__ import annotations

import pytest

from pg_cdc.config.teardown import Keep, Scope, Teardown
from pg_cdc.decisions.teardown.dms import Found, Kind, trace, wanted_names, whose
from pg_cdc.decisions.teardown.residue import Fate, judge

OURS = {"pg-cdc:migration": "shop"}
THEIRS = {"pg-cdc:migration": "books"}


def fate(kind=Kind.TASK, *, there=True, tags=OURS, users=(), **teardown):
    found = Found(kind=kind, name="pg-cdc-shop", arn="arn:x", tags=tags, users=users) if there else None
    return judge(trace(kind, "pg-cdc-shop", found, migration="shop", teardown=Teardown(**teardown)))


def test_what_is_deleted_is_deleted_in_the_order_that_dms_takes():
    assert [kind for kind, _ in wanted_names("shop")] == [
        Kind.TASK, Kind.ENDPOINT, Kind.ENDPOINT, Kind.INSTANCE, Kind.SUBNET_GROUP,
    ]  # fmt: skip
    assert [name for _, name in wanted_names("shop")] == [
        "pg-cdc-shop", "pg-cdc-shop-source", "pg-cdc-shop-target", "pg-cdc-shop", "pg-cdc-shop",
    ]  # fmt: skip


@pytest.mark.parametrize("kind", list(Kind))
@pytest.mark.parametrize(
    ("case", "expected"),
    [
        pytest.param({}, Fate.LEFT, id="ours: goes"),
        pytest.param({"there": False}, Fate.GONE, id="not there"),
        pytest.param({"tags": {}}, Fate.FOREIGN, id="our name without our tag"),
        pytest.param({"tags": THEIRS}, Fate.FOREIGN, id="another migration's"),
        pytest.param({"users": ("task books",)}, Fate.KEPT, id="used by another"),
        pytest.param({"scope": Scope.LOGICAL_REPLICATION}, Fate.KEPT, id="only turned off"),
        pytest.param({"tags": {}, "scope": Scope.LOGICAL_REPLICATION}, Fate.FOREIGN, id="turned off, not ours"),
        pytest.param({"keep": [Keep.SOURCE, Keep.TARGET]}, Fate.LEFT, id="databases kept"),
    ],
)
def test_a_resource_goes_only_if_it_is_ours_and_nobody_elses(kind, case, expected):
    assert fate(kind, **case).fate is expected


@pytest.mark.parametrize("kind", list(Kind))
def test_the_instance_may_be_kept_with_its_subnet_group(kind):
    shared = kind in (Kind.INSTANCE, Kind.SUBNET_GROUP)

    assert fate(kind, keep=[Keep.REPLICATION_INSTANCE]).fate is (Fate.KEPT if shared else Fate.LEFT)


def test_a_foreign_thing_says_whose_it_is():
    assert "books" in fate(tags=THEIRS).why
    assert "pg-cdc:migration=shop" in whose({}, "shop")
    assert fate(tags=THEIRS).command == ""


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (
            Kind.ASSESSMENT_RUN,
            "delete-replication-task-assessment-run --replication-task-assessment-run-arn arn:x",
        ),
        (Kind.TASK, "delete-replication-task --replication-task-arn arn:x"),
        (Kind.ENDPOINT, "delete-endpoint --endpoint-arn arn:x"),
        (Kind.INSTANCE, "delete-replication-instance --replication-instance-arn arn:x"),
        (Kind.SUBNET_GROUP, "delete-replication-subnet-group --replication-subnet-group-identifier pg-cdc-shop"),
    ],
)
def test_what_is_left_says_the_exact_command(kind, words):
    assert fate(kind).command == f"aws dms {words}"
