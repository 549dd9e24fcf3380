"""Who is rebooted next, when a reboot is over, and what is left unproved: from facts alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from pg_cdc.config import Migration
from pg_cdc.decisions.parameters.changes import plan_parameters
from pg_cdc.decisions.parameters.groups import plan_group
from pg_cdc.decisions.world import Engine
from pg_cdc.facts.configuration import Configuration
from pg_cdc.hooks.history import Before, Reboot
from pg_cdc.operators.source.prove_parameters import unproved
from pg_cdc.operators.source.reboot import is_over, next_member, reason, subject_of
from pg_cdc.operators.source.step import told_parameters
from tests.decisions.parameters.parameter_world import aurora, group, instance_group, member, migration, server

RIGHT = group("orders", rds__logical_replication="1", shared_preload_libraries="pglogical", max_worker_processes="15")
READY = server(rds__logical_replication="on", shared_preload_libraries="rdsutils,pglogical", max_worker_processes="15")
READY = replace(READY, settings={**READY.settings, "wal_level": "logical"})
THEN = READY.postmaster_started


def configuration(database=None, facts=READY, *, spec: Migration | None = None, **fields) -> Configuration:
    spec, database, groups = spec or migration(), database or aurora(), (RIGHT, instance_group())
    changes = plan_parameters(database, groups, facts, migration=spec)
    return Configuration(
        **{
            "migration": spec,
            "database": database,
            "groups": groups,
            "server": facts,
            "own_slots": frozenset(),
            "plan": plan_group(database, groups, migration=spec, changes=changes),
            "changes": changes,
            "remaining": changes,
            "own": None,
            "before": {},
            "reboots": (),
            **fields,
        }
    )


def cluster(**statuses: str):
    members = [member(name, writer=name == "w", cluster_apply_status=status) for name, status in statuses.items()]
    return aurora(*members)


@pytest.mark.parametrize(
    ("database", "facts", "who"),
    [
        pytest.param(cluster(w="in-sync", r="in-sync"), READY, None, id="nothing-to-do"),
        pytest.param(cluster(r="pending-reboot", w="pending-reboot"), READY, "w", id="the-writer-first"),
        pytest.param(cluster(w="in-sync", r="pending-reboot"), READY, "r", id="then-who-is-still-pending"),
        pytest.param(cluster(w="in-sync", r="in-sync"), server(), "w", id="in-sync-is-not-believed-before-the-server"),
        pytest.param(cluster(w="in-sync", r="pending-reboot"), server(), "w", id="the-writer-first-even-then"),
    ],
)
def test_rebooted_next_is(database, facts, who):
    found = next_member(configuration(database, facts))

    assert (found.identifier if found else None) == who


def multi_az(**statuses: str):
    return replace(cluster(**statuses), engine=Engine.RDS, cluster_parameter_group="orders")


def test_a_multi_az_cluster_is_rebooted_as_one_whoever_of_it_waits():
    found = configuration(multi_az(w="in-sync", r="pending-reboot"))

    who = next_member(found)

    assert (who.identifier, subject_of(found.database, who)) == ("w", "shop")
    assert reason(found, who) == "pending-reboot of orders"
    assert next_member(configuration(multi_az(w="in-sync", r="in-sync"))) is None


def test_a_full_load_alone_reboots_nobody():
    spec = migration(replication={"migration_type": "full-load"})

    assert next_member(configuration(cluster(w="pending-reboot"), spec=spec)) is None


def test_the_reason_names_parameters_for_the_writer_and_the_group_for_a_reader():
    found = configuration(cluster(w="pending-reboot", r="pending-reboot"), server())

    assert reason(found, found.database.writer).startswith("rds.logical_replication, shared_preload_libraries")
    assert reason(found, found.database.readers[0]) == "pending-reboot of default.aurora-postgresql15"


def reboot(instance: str = "w", before: str = THEN) -> Reboot:
    return Reboot(instance=instance, reason="why", postmaster_before=before, requested_at=datetime.now(UTC))


@pytest.mark.parametrize(
    ("asked", "over"),
    [
        pytest.param(reboot(before=THEN), False, id="the-same-server-process-as-before"),
        pytest.param(reboot(before="2020-01-01"), True, id="another-server-process"),
        pytest.param(reboot("r", ""), False, id="a-reader-that-still-waits"),
        pytest.param(reboot("s", ""), True, id="a-reader-that-waits-no-more"),
        pytest.param(reboot("gone", ""), True, id="a-reader-that-is-gone"),
    ],
)
def test_a_reboot_is_over(asked, over):
    database = cluster(w="in-sync", r="pending-reboot", s="in-sync")

    assert is_over(configuration(database), asked) is over


@pytest.mark.parametrize(
    ("found", "doubt"),
    [
        pytest.param(configuration(), None, id="proved"),
        pytest.param(configuration(facts=server()), "rds.logical_replication is off", id="not-in-force"),
        pytest.param(
            configuration(facts=replace(READY, settings={**READY.settings, "wal_level": "replica"})),
            "wal_level is replica",
            id="wal-level",
        ),
        pytest.param(configuration(cluster(w="in-sync", r="pending-reboot")), "r is pending-reboot", id="a-reader"),
        pytest.param(configuration(cluster(w="failed-to-apply")), "w is failed-to-apply", id="failed-to-apply"),
        pytest.param(configuration(reboots=(reboot(),)), "w has run since", id="a-reboot-that-never-was"),
        pytest.param(configuration(reboots=(reboot(before="2020"),)), None, id="a-reboot-that-was"),
    ],
)
def test_what_is_not_so_is_said(found, doubt):
    doubts = list(unproved(found))

    assert (doubt in "; ".join(doubts)) if doubt else doubts == []


def test_the_value_before_is_the_recorded_one():
    recorded = Before(
        name="max_worker_processes",
        group_name="default.aurora-postgresql15",
        cluster_group=True,
        value="GREATEST($DBInstanceVCPU*2,8)",
        source="system",
        live="8",
        apply_type="static",
    )

    told = {row["name"]: row for row in told_parameters(configuration(before={recorded.name: recorded}))}

    assert told["max_worker_processes"] == {
        "name": "max_worker_processes",
        "before": "8",
        "after": "15",
        "apply_type": "static",
    }
    assert told["max_wal_senders"]["before"] == told["max_wal_senders"]["after"] == "10"
