"""Teardown as a user has it: a dry run from the form, the real one, a second one, and what is left."""

import json
import re
import time
from urllib.parse import unquote

import pytest
from playwright.sync_api import expect

from pg_cdc.decisions.names import EXPIRES, resource
from sandbox.demo.settings import MASTER
from sandbox.demo.watch import CONF
from tests.e2e.conftest import ARTIFACTS, BOOKS, BOOKS_CONF, Run, failures, finish, last_call, migrate
from tests.fix_sandbox import Database

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(1800)]

DAG_ID = "pg_cdc_teardown"
SWEEP = "pg_cdc_teardown_sweep"
RUN_PAGE = re.compile(rf"/dags/{DAG_ID}/runs/([^/?]+)")
WHICH = {
    key: value
    for key, value in BOOKS_CONF.items()
    if key.startswith(("name", "aws_", "source_", "dms_role_", "target_", "timeouts_"))
}
ENDS = {"left": 0, "could not check": 0}


def torn_down(running, conf) -> Run:
    """Trigger a teardown, watch it until it is over, and keep its report."""
    before = last_call(running)
    run = finish(running, running.airflow.trigger(DAG_ID, conf), DAG_ID)
    report = json.loads((running.settings.reports / f"teardown-{conf['name']}.json").read_text())
    return Run(running, run.run_id, run.state, run.seen, tuple(running.sandbox.log.since(before)), report)


@pytest.mark.exhaustive
def test_a_dry_run_from_the_form_tells_what_would_go_and_changes_nothing(migrated, page):
    running = migrated.stage
    before = last_call(running)
    page.goto(f"{running.airflow.url}/dags/{DAG_ID}")
    page.get_by_role("button", name="Trigger").first.click()
    form = page.get_by_role("dialog")
    form.get_by_role("button", name="Teardown", exact=True).click()
    expect(form.get_by_role("checkbox", name="Dry run")).to_be_checked()
    page.screenshot(path=ARTIFACTS / "form-of-a-teardown.png")
    form.get_by_role("button", name="Trigger", exact=True).click()
    page.wait_for_url(RUN_PAGE)
    run = finish(running, unquote(RUN_PAGE.search(page.url).group(1)), DAG_ID)

    assert run.state == "success", failures(run, DAG_ID)
    assert [call.action for call in running.sandbox.log.since(before) if call.mutating] == []
    text = (running.settings.reports / f"teardown-{CONF.get('name', 'shop')}.md").read_text()
    assert "will go" in text
    assert "replication slot" in text


@pytest.mark.exhaustive
def test_a_teardown_leaves_nothing_and_a_second_one_changes_nothing(running, books):
    made = migrate(running, BOOKS_CONF)
    assert made.state == "success", failures(made)
    source = Database(running.sandbox, BOOKS, BOOKS, MASTER, running.settings.source_password)

    run = torn_down(running, WHICH | {"teardown_dry_run": False})

    assert run.state == "success", failures(run, DAG_ID)
    assert {fate: run.report["counts"][fate] for fate in ENDS} == ENDS
    with source.connect() as conn:
        assert conn.execute("show wal_level").fetchone() == ("replica",)
        assert conn.execute("select slot_name from pg_replication_slots").fetchall() == []
        query = "select nspname from pg_namespace where nspname in ('pgcdc', 'dms_replication', 'pglogical')"
        assert conn.execute(query).fetchall() == []
        assert conn.execute("select evtname from pg_event_trigger").fetchall() == []
        assert conn.execute("select count(*) from shop.books").fetchone() == (100,)

    again = torn_down(running, WHICH | {"teardown_dry_run": False})

    assert again.state == "success", failures(again, DAG_ID)
    assert again.mutating == []
    assert {fate: again.report["counts"][fate] for fate in ENDS} == ENDS


def sweeps(running, run_type: str) -> list[dict]:
    return list(running.airflow.call("GET", f"dags/{SWEEP}/dagRuns?run_type={run_type}")["dag_runs"])


@pytest.fixture
def swept(migrated):
    """The sweep, awake: its first scheduled run finds nothing whose time is past."""
    running = migrated.stage
    running.airflow.call("PATCH", f"dags/{SWEEP}", json={"is_paused": False})
    ends = time.monotonic() + 300
    while not (scheduled := sweeps(running, "scheduled")):
        assert time.monotonic() < ends, "no scheduled run"
        time.sleep(0.3)
    first = finish(running, scheduled[0]["dag_run_id"], SWEEP)
    assert first.state == "success", failures(first, SWEEP)
    yield running
    running.airflow.call("PATCH", f"dags/{SWEEP}", json={"is_paused": True})


@pytest.mark.exhaustive
def test_what_is_past_its_time_is_taken_down_by_a_run_of_its_own(swept):
    dms = swept.sandbox.client("dms")
    by_name = [{"Name": "replication-task-id", "Values": [resource("shop")]}]
    (task,) = dms.describe_replication_tasks(Filters=by_name)["ReplicationTasks"]
    before = {row["dag_run_id"] for row in swept.airflow.call("GET", f"dags/{DAG_ID}/dagRuns?limit=100")["dag_runs"]}
    assert not [name for name in before if name.startswith("shop__")]
    past = [{"Key": EXPIRES, "Value": "2026-01-01T00:00:00+00:00"}]
    dms.add_tags_to_resource(ResourceArn=task["ReplicationTaskArn"], Tags=past)
    try:
        sweep = finish(swept, swept.airflow.trigger(SWEEP, {"dry_run": True}), SWEEP)
    finally:
        dms.remove_tags_from_resource(ResourceArn=task["ReplicationTaskArn"], TagKeys=[EXPIRES])

    assert sweep.state == "success", failures(sweep, SWEEP)
    teardown = finish(swept, f"shop__{sweep.run_id}", DAG_ID)
    assert teardown.state == "success", failures(teardown, DAG_ID)
    assert "skipped" in teardown.seen["stop_task"]
    assert "will go" in (swept.settings.reports / "teardown-shop.md").read_text()
