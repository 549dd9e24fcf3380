"""What a change of the primary means for each of its read replicas: named, with what to do and when."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pg_cdc.decisions.parameters.changes import plan_parameters
from pg_cdc.decisions.replicas.meaning import replica_changes, replica_findings
from pg_cdc.decisions.world import Replica
from tests.decisions.parameters.parameter_world import PROCESSES, group, migration, rds, server

OWN = group("team-postgres15", cluster=False)
STOCK = group("default.postgres15", cluster=False)
READY = group(
    "team-postgres15", cluster=False, rds__logical_replication="1", shared_preload_libraries="pglogical",
    max_worker_processes="15",
)  # fmt: skip
IN_FORCE = server(rds__logical_replication="on", shared_preload_libraries="pglogical", max_worker_processes="15")


def replica(size: str | None = PROCESSES, **fields) -> Replica:
    given = {
        "identifier": "shop-r1",
        "status": "available",
        "instance_class": "db.r6g.large",
        "parameter_group": "readers",
        "sizes": {"max_worker_processes": size, "max_wal_senders": "10", "max_connections": "100"},
    }
    return Replica(**given | fields)


def told(one: Replica, own=STOCK, facts=None, database=None) -> tuple[str, str, str]:
    """Return the code of the finding, what it says in all, and the line of the plan."""
    spec, database = migration(), database or rds(replicas=(one.identifier,))
    changes = plan_parameters(database, (own,), facts or server(), migration=spec)
    (finding,) = replica_findings(database, (own,), changes, (one,), migration=spec)
    lines = replica_changes(database, (own,), changes, (one,), migration=spec)
    return finding.code, f"{finding.found}. {finding.cure}", "\n".join(lines)


@pytest.mark.parametrize(
    ("one", "own", "code", "says"),
    [
        pytest.param(
            replica(),
            STOCK,
            "replica_falls_behind",
            "max_worker_processes 15 (has 8)",
            id="a-formula-of-the-same-class",
        ),
        pytest.param(
            replica("12"), STOCK, "replica_falls_behind", "max_worker_processes 15 (has 12)", id="its-own-smaller-value"
        ),
        pytest.param(replica("15"), STOCK, "read_replica", "one slot and one WAL sender", id="large-enough"),
        pytest.param(
            replica("15", apply_status="pending-reboot"),
            STOCK,
            "replica_falls_behind",
            "max_worker_processes 15 in force",
            id="large-enough-after-a-reboot",
        ),
        pytest.param(
            replica(instance_class="db.r6g.4xlarge"), STOCK, "replica_size_unknown", "a formula", id="another-class"
        ),
        pytest.param(
            replica(parameter_group=OWN.name),
            OWN,
            "replica_falls_behind",
            "gets the same values",
            id="the-group-changed",
        ),
        pytest.param(
            replica(parameter_group=STOCK.name),
            STOCK,
            "replica_falls_behind",
            "set them in its own group (now default.postgres15)",
            id="left-behind-in-the-group-of-before",
        ),
        pytest.param(
            Replica(identifier="shop-r1", unread="a read replica in us-east-1"),
            STOCK,
            "replica_not_read",
            "us-east-1",
            id="of-another-region",
        ),
    ],
)
def test_a_replica_is_named_with_what_it_needs(one, own, code, says):
    found = told(one, own)

    assert found[0] == code
    assert says in found[1]
    assert "shop-r1" in found[2]


def test_a_replica_of_the_changed_group_is_to_be_rebooted_too():
    waiting = replica("15", parameter_group=READY.name, apply_status="pending-reboot")

    code, says, line = told(waiting, READY)

    assert code == "replica_falls_behind"
    assert "reboot it too, before shop or right after" in says
    assert "its replay pauses" in line


def test_one_that_was_rebooted_first_lacks_nothing():
    assert told(replica("15", parameter_group=READY.name), READY)[0] == "read_replica"


def test_before_postgresql_14_its_server_ends():
    old = replace(rds(replicas=("shop-r1",)), version="13.12")

    assert "its server ends" in told(replica(), database=old)[2]


def test_where_nothing_changes_the_plan_is_silent_about_it():
    assert told(replica(), READY, IN_FORCE) == (
        "read_replica",
        "a read replica with large enough sizes; one slot and one WAL sender are counted for it. it waits while shop"
        " reboots",
        "",
    )
