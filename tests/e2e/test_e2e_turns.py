from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

import pytest

from pg_cdc.hooks.lease import LeaseBook
from sandbox.demo.settings import MASTER, SOURCE
from sandbox.demo.stage import DAG_ID, Stage
from sandbox.demo.watch import CONF
from tests.e2e.conftest import BOOKS_CONF, BOOKS_SQL, failures, finish, last_call, migrate, reach, task_state, told
from tests.fix_sandbox import Database

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.exhaustive, pytest.mark.timeout(1800)]

SOMEBODY = "another / run"
ARCHIVE = "archive"
ARCHIVE_CONF = {
    **CONF,
    "name": ARCHIVE, "source_identifier": SOURCE, "source_database": ARCHIVE, "target_database": ARCHIVE,
}  # fmt: skip


@dataclass(frozen=True)
class Turn:
    """From when a run had the lease to when it gave it back."""

    run_id: str
    taken: datetime
    released: datetime


@pytest.fixture
def archive(migrated) -> Stage:
    """A second database on the shop's cluster, to be migrated too."""
    running = migrated.stage
    shop = Database(running.sandbox, SOURCE, "postgres", MASTER, running.settings.source_password)
    with shop.connect() as conn:
        conn.execute(f"create database {ARCHIVE}")
    with shop.connect(ARCHIVE) as conn:
        conn.execute(BOOKS_SQL)
    with running.ends.connect_target() as conn:
        conn.execute(f"create database {ARCHIVE}")
    return running


@contextmanager
def lease_of_somebody(running: Stage):
    """Hold the lease on the shop's cluster, as a run of yet another migration does."""
    shop = Database(running.sandbox, SOURCE, "postgres", MASTER, running.settings.source_password)
    with shop.connect() as conn:
        book = LeaseBook(conn, SOURCE)
        assert book.take(SOMEBODY, minutes=10)
        yield
        assert book.release(SOMEBODY)


def turn(running: Stage, run_id: str) -> Turn:
    rows = {row["task_id"]: row for row in running.airflow.task_instances(DAG_ID, run_id)}
    taken = datetime.fromisoformat(rows["take_lease"]["end_date"])
    return Turn(run_id, taken, datetime.fromisoformat(rows["release_lease"]["start_date"]))


def test_runs_on_one_cluster_take_turns_while_a_run_on_another_goes_on(archive, migrated, books):
    running = archive
    with lease_of_somebody(running):
        waiting = [running.airflow.trigger(DAG_ID, conf) for conf in (CONF, ARCHIVE_CONF)]
        for run_id in waiting:
            reach(running, run_id, "take_lease", "deferred")
        other = migrate(running, BOOKS_CONF)
        assert other.state == "success", failures(other)
        assert other.report["status"] == "streaming"
        for run_id in waiting:
            assert task_state(running, run_id, "take_lease") == "deferred"
            assert task_state(running, run_id, "ensure_parameter_group") is None
    before = last_call(running)
    runs = [finish(running, run_id) for run_id in waiting]
    reports = [told(run, before, conf).report for run, conf in zip(runs, (CONF, ARCHIVE_CONF), strict=True)]

    assert [run.state for run in runs] == ["success", "success"], "\n".join(map(failures, runs))
    assert [report["status"] for report in reports] == ["streaming", "streaming"]
    first, second = sorted((turn(running, run_id) for run_id in waiting), key=lambda turn: turn.taken)
    assert first.released <= second.taken
