"""What goes wrong: sources that are not ready, servers that die, slots that are gone."""

from __future__ import annotations

import threading
import time

import psycopg
import pytest

from tests.sandbox.dms_lab import Task, eventually, rule

TABLE = "create table t (id int primary key, v text); insert into t values (1, 'a')"
FATAL = "Last Error  {} Stop Reason FATAL_ERROR Error Level FATAL"


def failed(task: Task) -> str:
    described = task.until("failed")
    assert described["StopReason"] == described["LastFailureMessage"]
    return described["LastFailureMessage"]


def test_a_source_without_logical_wal_fails_the_task_with_postgres_words(lab):
    task = lab.task(TABLE, source=lab.target)
    task.start()

    assert failed(task) == FATAL.format("logical decoding requires wal_level >= logical")
    assert task.described["ReplicationTaskStats"]["TablesLoaded"] == 0


def test_rules_that_match_nothing_fail_only_at_the_start(lab):
    task = lab.task(TABLE, rules=(rule("public", "nothing"),))
    task.start()

    assert "No tables were found at task initialization." in failed(task)
    assert task.described["ReplicationTaskStats"]["FullLoadProgressPercent"] == 100
    assert task.slots() == []


def test_a_role_that_may_not_replicate_is_told_so(lab):
    with lab.source.connect("postgres") as connection:
        connection.execute("create role plain login password 'a-plain-Passw0rd'")
    task = lab.task(TABLE, user="plain", password="a-plain-Passw0rd")
    task.source.execute("grant select on t to plain")
    task.start()

    assert "replication" in failed(task)


def test_a_failed_start_can_be_resumed_once_its_cause_is_gone(lab):
    task = lab.task("create table other ()", rules=(rule("public", "t"),))
    task.start()
    failed(task)
    task.source.execute(TABLE)
    task.start("resume-processing")

    task.until_loaded()
    assert task.target.execute("select v from t").fetchone() == ("a",)


def test_forced_pglogical_without_the_extension_fails_clearly(lab):
    task = lab.task(TABLE, source_settings={"PluginName": "pglogical"})
    task.start()

    assert 'extension "pglogical" does not exist' in failed(task)


def test_no_preference_takes_pglogical_where_it_is_created(lab):
    task = lab.task(TABLE + "; create extension pglogical")
    task.start()
    task.until_loaded()

    assert [slot[1] for slot in task.slots()] == ["pglogical_output"]
    sets = "select set_name from pglogical.replication_set where set_name like '%%' || %s order by 1"
    name = task.slots()[0][0]
    assert task.source.execute(sets, (name,)).fetchall() == sorted([(f"i{name}",), (name,)])
    task.stop()
    task.delete()
    assert task.slots() == []
    assert task.source.execute("select count(*) from pglogical.node").fetchone() == (0,)


def test_all_slots_in_use_is_said(lab):
    task = lab.task(TABLE)
    made = 0
    with lab.source.connect("postgres") as connection:
        try:
            while True:
                connection.execute(f"select pg_create_physical_replication_slot('filler_{made}')")
                made += 1
        except psycopg.errors.ConfigurationLimitExceeded:
            pass
        task.start()
        found = failed(task)
        for number in range(made):
            connection.execute(f"select pg_drop_replication_slot('filler_{number}')")

    assert "all replication slots are in use" in found


def test_a_dropped_slot_fails_the_task(lab):
    task = lab.task(TABLE)
    task.start()
    task.until_loaded()
    eventually(lambda: task.slots()[0][2])
    task.stop()
    name = task.slots()[0][0]
    task.source.execute("select pg_drop_replication_slot(%s)", (name,))
    task.start("resume-processing")

    assert failed(task) == FATAL.format(f'replication slot "{name}" does not exist')
    task.start("reload-target")
    task.until_loaded()
    assert len(task.slots()) == 1


def test_an_open_transaction_delays_the_start(lab):
    task = lab.task(TABLE)
    with lab.source.connect(task.source.info.dbname) as other:
        other.autocommit = False
        other.execute("insert into t values (2, 'open')")
        task.start()
        time.sleep(1)
        assert task.status == "starting"
        other.commit()
    task.until_loaded()
    task.until_drained()
    assert task.target.execute("select count(*) from t").fetchone() == (2,)


def write_until(task: Task, stop: threading.Event) -> threading.Thread:
    """Write from a thread that survives the server's death."""

    def work() -> None:
        number = 10
        while not stop.is_set():
            try:
                with task.lab.source.connect(task.source.info.dbname) as connection:
                    while not stop.is_set():
                        connection.execute("insert into t values (%s, 'w') on conflict do nothing", (number,))
                        connection.execute("update t set v = v || 'u' where id = %s", (number - 1,))
                        number += 1
            except psycopg.Error:
                time.sleep(0.05)

    thread = threading.Thread(target=work)
    thread.start()
    return thread


@pytest.mark.parametrize(
    ("plugin", "victim"),
    [
        pytest.param("test-decoding", "source", marks=pytest.mark.exhaustive),
        ("pglogical", "source"),
        ("test-decoding", "target"),
    ],
)
def test_a_killed_server_that_comes_back_costs_nothing_and_doubles_nothing(lab, victim, plugin):
    task = lab.task(TABLE, source_settings={"PluginName": plugin})
    if plugin == "pglogical":
        task.source.execute("create extension pglogical")
    task.start()
    task.until_loaded()
    stop = threading.Event()
    writer = write_until(task, stop)
    time.sleep(0.5)
    server = lab.sandbox.rds.instances[f"dms-lab-{victim}-1"].server
    server.kill()
    server.start()
    time.sleep(0.5)
    stop.set()
    writer.join()
    database = task.source.info.dbname
    task.source, task.target = lab.source.connect(database), lab.target.connect(database)
    task.until_drained()

    assert task.status == "running"
    rows = "select count(*), sum(hashtextextended(t::text, 0)) from t"
    assert task.source.execute(rows).fetchone() == task.target.execute(rows).fetchone()
    assert task.target.execute("select count(*) from awsdms_apply_exceptions").fetchone() == (0,)
    assert task.tables()["public", "t"]["FullLoadReloaded"] is False


def test_a_full_load_cut_off_by_a_dead_source_ends_whole(lab):
    rows = "insert into t select i, md5(i::text) from generate_series(1, 400000) i"
    task = lab.task(f"create table t (id int primary key, v text); {rows}")
    task.start()
    task.until("running")
    eventually(lambda: task.tables()["public", "t"]["TableState"] == "Full load")
    server = lab.sandbox.rds.instances["dms-lab-source-1"].server
    server.kill()
    server.start()
    task.source = lab.source.connect(task.source.info.dbname)
    task.source.execute("insert into t values (0, 'later')")

    eventually(lambda: task.tables()["public", "t"]["TableState"] == "Table completed")
    task.until_drained()
    assert task.target.execute("select count(*) from t").fetchone() == (400001,)


def test_a_lost_slot_fails_the_task(lab):
    task = lab.task(TABLE)
    task.start()
    task.until_loaded()
    eventually(lambda: task.slots()[0][2])
    task.stop()
    with lab.source.connect("postgres") as connection:
        connection.execute("alter system set max_slot_wal_keep_size = '1MB'")
        connection.execute("select pg_reload_conf()")
        eventually(lambda: _is_lost(task))
        connection.execute("alter system reset max_slot_wal_keep_size")
        connection.execute("select pg_reload_conf()")
    task.start("resume-processing")

    assert task.slots()[0][0] in failed(task)


def _is_lost(task: Task) -> bool:
    """Write a little more WAL, and tell whether the slot could still be served from it."""
    task.source.execute("create table churn as select repeat('x', 100) from generate_series(1, 20000)")
    task.source.execute("drop table churn")
    task.source.execute("select pg_switch_wal()")
    task.source.execute("checkpoint")
    query = "select wal_status from pg_replication_slots where database = current_database()"
    return task.source.execute(query).fetchone() == ("lost",)


def test_a_stop_in_the_middle_of_a_load_is_made_good_by_a_resume(lab):
    rows = "insert into t select i, md5(i::text) from generate_series(1, 300000) i"
    task = lab.task(f"create table t (id int primary key, v text); create table u (id int); {rows}")
    task.start()
    task.until("running")
    eventually(lambda: task.tables()["public", "t"]["TableState"] == "Full load")
    task.stop()
    unfinished = task.tables()["public", "t"]["TableState"]
    task.source.execute("delete from t where id <= 10; insert into u values (1)")
    task.start("resume-processing")
    task.until("running")

    eventually(lambda: task.described["ReplicationTaskStats"]["TablesLoaded"] == 2)
    task.until_drained()
    assert unfinished == "Before load"
    assert task.target.execute("select count(*), min(id) from t").fetchone() == (299990, 11)
    assert task.target.execute("select count(*) from u").fetchone() == (1,)


def test_a_running_task_outlives_a_cut_connection(lab):
    task = lab.task(TABLE)
    task.start()
    task.until_loaded()
    eventually(lambda: task.slots()[0][2])
    database = task.source.info.dbname
    lab.sandbox.faults.switch_on("cut-connection", identifier="dms-lab-source")
    task.source = lab.source.connect(database)
    task.source.execute("insert into t values (2, 'after the cut')")
    task.until_drained()

    assert task.status == "running"
    assert task.target.execute("select count(*) from t").fetchone() == (2,)


def test_a_slot_lost_by_fault_fails_its_task_at_the_resume(lab):
    task, other = lab.task(TABLE), lab.task(TABLE)
    for one in (task, other):
        one.start()
        one.until_loaded()
        eventually(lambda one=one: one.slots()[0][2])
        one.stop()
    name = task.slots()[0][0]
    lab.sandbox.faults.switch_on("lost-slot", identifier="dms-lab-source", slot=name)
    for one in (task, other):
        one.source = lab.source.connect(one.source.info.dbname)
        one.start("resume-processing")

    assert name in failed(task)
    assert other.until("running")["Status"] == "running"
