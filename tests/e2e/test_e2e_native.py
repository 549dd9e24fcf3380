"""Native replication as a user has it: by the scheduler, with a finished task cleared, and down by the one teardown."""

import json

import pytest

from sandbox.demo.settings import MASTER, SOURCE, TARGET
from sandbox.demo.stage import Stage
from sandbox.demo.watch import CONF
from tests.e2e.conftest import BOOKS_SQL, failures, finish, last_call
from tests.fix_sandbox import Database

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(1800)]

DAG_ID = "pg_cdc_native"
TEARDOWN = "pg_cdc_teardown"
DIARY = "diary"
DIARY_CONF = {**CONF, "name": DIARY, "source_identifier": SOURCE, "source_database": DIARY, "target_database": DIARY}
FILLED = "select seconds, loaded_at, pg_relation_filenode('shop.books') from pgcdc_native.loaded_table order by 1"


@pytest.fixture
def diary(migrated) -> Database:
    """Another database on the shop's cluster, which is set up for logical replication already; its target."""
    running = migrated.stage
    server = Database(running.sandbox, SOURCE, DIARY, MASTER, running.settings.source_password)
    with server.connect("postgres") as conn:
        conn.execute(f"create database {DIARY}")
    with server.connect() as conn:
        conn.execute(BOOKS_SQL)
    with running.ends.connect_target() as conn:
        conn.execute(f"create database {DIARY}")
    return Database(running.sandbox, TARGET, DIARY, MASTER, running.settings.target_password)


def changes_of(running: Stage, run_id: str, task_id: str) -> list[str]:
    path = f"dags/{DAG_ID}/dagRuns/{run_id}/taskInstances/{task_id}/xcomEntries/return_value?deserialize=true"
    return list(running.airflow.call("GET", path)["value"]["changes"])


@pytest.mark.exhaustive
def test_a_native_migration_streams_a_cleared_task_changes_nothing_and_a_teardown_leaves_nothing(migrated, diary):
    running = migrated.stage
    run = finish(running, running.airflow.trigger(DAG_ID, DIARY_CONF), DAG_ID)

    assert run.state == "success", failures(run, DAG_ID)
    report = json.loads((running.settings.reports / f"{DIARY}.json").read_text())
    assert report["status"] == "streaming"
    assert [(row["table"], row["source_rows"], row["target_rows"]) for row in report["tables"]] == [("books", 100, 100)]
    assert "loaded 2 tables" in changes_of(running, run.run_id, "load_tables")[0]
    with diary.connect() as conn:
        filled = conn.execute(FILLED).fetchall()

    before = last_call(running)
    running.airflow.clear(DAG_ID, run.run_id, ["load_tables"])
    again = finish(running, run.run_id, DAG_ID)

    assert again.state == "success", failures(again, DAG_ID)
    assert changes_of(running, run.run_id, "load_tables") == []
    assert [call.action for call in running.sandbox.log.since(before) if call.mutating] == []
    with diary.connect() as conn:
        assert conn.execute(FILLED).fetchall() == filled

    down = finish(running, running.airflow.trigger(TEARDOWN, {**DIARY_CONF, "teardown_dry_run": False}), TEARDOWN)

    assert down.state == "success", failures(down, TEARDOWN)
    residue = json.loads((running.settings.reports / f"teardown-{DIARY}.json").read_text())
    fates = {(line["kind"], line["fate"]) for line in residue["lines"]}
    assert ("subscription", "gone") in fates and ("publication", "gone") in fates
    assert not residue["counts"]["left"] and not residue["counts"]["could not check"]
    with diary.connect() as conn:
        assert conn.execute("select count(*) from pg_subscription where subname like '%diary'").fetchone() == (0,)
        assert conn.execute("select count(*) from shop.books").fetchone() == (100,)
