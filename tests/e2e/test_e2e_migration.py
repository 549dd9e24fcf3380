import time
from contextlib import suppress

import psutil
import pytest

from sandbox.demo.ending import compare_at_rest
from sandbox.demo.stage import DAG_ID
from tests.e2e.conftest import failures, finish

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(1800)]

REPORT_FIELDS = {
    "migration", "status", "source", "target", "parameters", "reboots", "tables", "slot", "marker", "warnings", "steps",
}  # fmt: skip
RERUN = ["install_ddl_audit", "ensure_source_endpoint", "start_task"]


def test_a_stock_cluster_becomes_a_streaming_source(migrated):
    report = migrated.report

    assert set(report) >= REPORT_FIELDS
    assert report["status"] == "streaming"
    assert {"rds.logical_replication"} <= {parameter["name"] for parameter in report["parameters"]}
    assert {reboot["instance"] for reboot in report["reboots"]} >= {"shop-1"}
    assert {"name": "postgres-check-pk", "status": "failed"} in report["assessment"]["individual"]


def test_a_long_wait_was_deferred_and_no_step_was_retried(migrated):
    deferred = {task for task, states in migrated.seen.items() if "deferred" in states}
    retried = {task for task, states in migrated.seen.items() if "up_for_retry" in states}

    assert "ensure_replication_instance" in deferred
    assert retried == set()


def test_a_row_written_on_the_source_is_on_the_target_within_five_seconds(migrated):
    ends = migrated.stage.ends
    with ends.connect_source() as source, ends.connect_target() as target:
        source.execute("insert into shop.categories values (9001, null, 'written while streaming')")
        begun = time.monotonic()
        found = None
        while found is None and time.monotonic() - begun < 5:
            found = target.execute("select title from shop.categories where id = 9001").fetchone()
            time.sleep(0.05)

    assert found == ("written while streaming",)


def test_after_a_ddl_of_the_application_every_table_is_equal(migrated):
    application = migrated.stage.application
    assert application.add_column()
    written = application.transactions
    while application.transactions < written + 60:
        time.sleep(0.1)

    ending = compare_at_rest(application, migrated.stage.ends)

    assert ending.problem == ""
    assert [(verdict.table, verdict.reason) for verdict in ending.verdicts if not verdict.equal] == []
    assert len(ending.verdicts) >= 12


@pytest.mark.parametrize("task_id", RERUN)
def test_a_cleared_step_succeeds_without_a_mutating_call(migrated, task_id):
    log = migrated.stage.sandbox.log
    before = max((call.number for call in log), default=0)
    migrated.stage.airflow.clear(DAG_ID, migrated.run_id, [task_id])
    run = finish(migrated.stage, migrated.run_id)

    assert run.state == "success", failures(run)
    calls = log.since(before)
    assert [f"{call.service}:{call.action}" for call in calls if call.mutating] == []
    assert calls or task_id == "install_ddl_audit"


def test_no_password_is_anywhere_a_reader_can_look(migrated):
    running = migrated.stage
    settings = running.settings
    canaries = {
        name: getattr(settings, name)
        for name in ("source_password", "target_password", "dms_password", "shop_password")
    }
    places = {"call log": repr(list(running.sandbox.log)), "metadata": metadata_of(running), "argv": arguments()}
    for root in (settings.home, settings.reports, settings.directory):
        for file in root.rglob("*"):
            if file.is_file() and file.suffix in (".log", ".json", ".jsonl", ".md", ".txt", ".cfg"):
                places[str(file.relative_to(root.parent))] = file.read_text(errors="replace")

    found = {(name, place) for name, secret in canaries.items() for place, text in places.items() if secret in text}

    assert sum("task_id=" in place for place in places) >= 20
    assert "xcom" in places["metadata"]
    assert found == set()


def metadata_of(running):
    """Return every row of Airflow's database as text: XComs, rendered fields, task states, logs."""
    import psycopg

    url = running.airflow.environment["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"].replace("+psycopg2", "")
    texts = []
    with psycopg.connect(url) as conn:
        names = conn.execute("select tablename from pg_tables where schemaname = 'public'").fetchall()
        for (name,) in names:
            rows = conn.execute(f'select t::text from public."{name}" t').fetchall()
            texts += [name, *(row[0] for row in rows)]
    return "\n".join(texts)


def arguments():
    """Return the command lines of everything that runs."""
    lines = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            lines.append(" ".join(process.cmdline()))
    return "\n".join(lines)
