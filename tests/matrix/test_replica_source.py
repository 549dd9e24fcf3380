"""Changes read from a read replica of PostgreSQL 17: the whole road, each step twice; a reload; one not ready."""

from __future__ import annotations

import time

import pytest
from airflow.sdk.exceptions import AirflowFailException

from pg_cdc.config.hygiene import Hygiene
from pg_cdc.decisions import names
from pg_cdc.decisions.slots.policy import Policy
from pg_cdc.decisions.slots.world import OwnerState
from pg_cdc.facts.slots.server import read_source_facts
from pg_cdc.failures import NotOurs
from pg_cdc.hooks.slots.book import SlotBook
from pg_cdc.hooks.slots.on_replica import renew_slot
from pg_cdc.operators.hygiene.check import look_now
from pg_cdc.operators.hygiene.step import list_servers, migrations_on
from pg_cdc.operators.source.inspect import PreflightOperator
from sandbox.demo.compare import compare_schema
from tests.fix_sandbox import wait_available
from tests.matrix.conftest import Migration
from tests.shell.rds_world import make_group
from tests.shell.teardown.conftest import ROLE_PASSWORD, SHOP

pytestmark = pytest.mark.timeout(1800)
READER = "farm-reader"
READY = {"rds__logical_replication": "1", "hot_standby_feedback": "1", "max_worker_processes": "30"}
CHANGES = """
update shop.orders set total = total + 1 where id % 5 = 0;
alter table shop.customers add column nickname text;
update shop.customers set nickname = 'Ada' where id % 3 = 0;
delete from shop.orders where id % 7 = 0;
insert into shop.orders values (1000, 1, 1.25);
"""


@pytest.fixture(scope="module")
def farm(sandbox, make_instance):
    """An RDS instance of PostgreSQL 17 on stock settings, with a read replica that is ready to be read from."""
    make_group(sandbox, READER, cluster=False, family="postgres17", **READY)
    source = make_instance("farm", EngineVersion="17")
    with source.connect() as conn:
        conn.execute(SHOP)
    sandbox.client("rds").create_db_instance_read_replica(
        DBInstanceIdentifier=READER, SourceDBInstanceIdentifier="farm", DBParameterGroupName=READER
    )
    wait_available(sandbox, READER)
    return source, make_instance("farm-copy", EngineVersion="17")


@pytest.fixture
def world(farm, sandbox, aws_conn, admin_conn, mutating_calls, tmp_path) -> Migration:
    source, target = farm
    admin_conn(source, "pg_cdc_source")
    admin_conn(target, "pg_cdc_target")
    admin_conn(source, "pg_cdc_dms_role", login="app_dms", password=ROLE_PASSWORD)
    spec = {
        "name": "farm",
        "aws": {"region": sandbox.region},
        "source": {"identifier": "farm", "database": "shop", "read_from": READER},
        "target": {"identifier": "farm-copy", "database": "shop"},
        "tables": {"rules": [{"schema": "shop", "table": "%"}]},
        "timeouts": {"poll_seconds": 1},
    }
    return Migration(sandbox, source, target, spec, tmp_path, watch=mutating_calls)


def slots(database, identifier: str) -> dict[str, bool]:
    with database.connect_member(identifier) as conn:
        query = "select slot_name, active from pg_replication_slots where slot_type = 'logical'"
        return dict(conn.execute(query).fetchall())


def until_equal(world: Migration, seconds: float = 60) -> None:
    ends = time.monotonic() + seconds
    while True:
        with world.source.connect() as source, world.target.connect() as target:
            verdicts = compare_schema(source, target, "shop")
        if verdicts and all(verdict.equal for verdict in verdicts):
            return
        assert time.monotonic() < ends, verdicts
        time.sleep(0.5)


def test_a_migration_reads_from_the_replica_and_leaves_no_slot_on_the_source(world):
    said = world.twice("pg_cdc_migrate")

    name = names.slot("farm")
    assert f"made replication slot {name} on {READER}" in said["start_task"]["changes"]
    assert said["wait_streaming"]["facts"]["slot"]["name"] == name
    assert slots(world.source, READER) == {name: True}
    assert slots(world.source, "farm") == {}
    with world.source.connect() as conn:
        conn.execute(CHANGES)
    until_equal(world)


def test_slot_hygiene_looks_at_the_replica_too_and_knows_whose_the_slot_is(world, monkeypatch):
    spec = world.migration
    monkeypatch.setattr("pg_cdc.operators.hygiene.step.spec_file_names", lambda: ["farm.yaml"])
    monkeypatch.setattr("pg_cdc.operators.hygiene.step.migration_from_params", lambda params: spec)

    servers = list_servers(Hygiene())
    facts = {server["identifier"]: read_source_facts(migrations_on(server)) for server in servers}

    assert set(facts) == {"farm", READER}
    assert facts[READER].in_recovery
    assert facts[READER].owners[names.slot("farm")].migration == "farm"
    assert facts[READER].looks[names.slot("farm")].state is OwnerState.EXISTS


def test_the_books_on_a_slot_of_the_replica_are_kept_on_its_source(world):
    there = {"identifier": READER, "read_from": None}
    spec = world.migration
    spec = spec.model_copy(update={"source": spec.source.model_copy(update=there)})

    first, second = (look_now(READER, (spec,), Policy(), keep_days=1) for _ in range(2))

    assert (first.report.error, first.report.notes, first.acts) == ("", (), False)
    assert [change for change in second.changes if "created" in change] == []
    with world.source.connect(dbname="postgres") as conn:
        assert len(SlotBook(conn, READER).history(0)[names.slot("farm")]) == 2
        assert names.slot("farm") not in SlotBook(conn).history(0)


def test_a_lost_slot_is_made_anew_with_the_reload(world):
    name, dms = names.slot("farm"), world.sandbox.client("dms")
    task = world.hook.task(names.resource("farm"), settings=False)
    dms.stop_replication_task(ReplicationTaskArn=task["ReplicationTaskArn"])
    world.until(lambda: world.hook.task(names.resource("farm"), settings=False)["Status"] == "stopped")
    world.until(lambda: not slots(world.source, READER)[name])
    with world.source.connect_member(READER) as conn:
        conn.execute("select pg_drop_replication_slot(%s)", (name,))

    said = world.twice("pg_cdc_migrate")

    assert said["start_task"]["facts"]["action"] == "reload-target"
    assert slots(world.source, READER) == {name: True}
    until_equal(world)


def test_a_start_that_was_cut_off_makes_its_slot_anew_and_a_strangers_stays(world):
    name, dms = names.slot("farm"), world.sandbox.client("dms")
    arn = world.hook.task(names.resource("farm"), settings=False)["ReplicationTaskArn"]
    dms.stop_replication_task(ReplicationTaskArn=arn)
    world.until(lambda: not slots(world.source, READER)[name])

    with world.source.connect() as primary, world.source.connect_member(READER) as replica:
        done = renew_slot(primary, replica, world.migration, task_arn=arn)
        assert done == (f"dropped replication slot {name}", f"made replication slot {name} on {READER}")

        primary.execute("update pgcdc.slot_owner set migration = 'another' where slot_name = %s", (name,))
        with pytest.raises(NotOurs):
            renew_slot(primary, replica, world.migration, task_arn=arn)
        primary.execute("update pgcdc.slot_owner set migration = 'farm' where slot_name = %s", (name,))
    assert slots(world.source, READER) == {name: False}


def test_a_teardown_drops_the_slot_on_the_replica_and_leaves_nothing(world):
    said = world.twice("pg_cdc_teardown")

    assert f"dropped replication slot {names.slot('farm')}" in said["drop_slot"]["changes"]
    assert world.report()["status"] == "clean"
    assert slots(world.source, READER) == {}
    with world.source.connect() as conn:
        assert conn.execute("show wal_level").fetchone() == ("replica",)


def test_a_replica_that_is_not_ready_is_refused_before_the_first_change(world, sandbox, mutating_calls):
    rds = sandbox.client("rds")
    rds.create_db_instance_read_replica(DBInstanceIdentifier="farm-plain", SourceDBInstanceIdentifier="farm")
    wait_available(sandbox, "farm-plain")
    world.spec["source"]["read_from"] = "farm-plain"

    with mutating_calls() as calls, pytest.raises(AirflowFailException) as refused:
        world.run(PreflightOperator(task_id="preflight"))

    found = refused.value.__cause__.found
    assert "[replica_not_logical]" in found and "[replica_without_feedback]" in found
    assert calls == []
