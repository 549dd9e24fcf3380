"""A migration whose workers, triggerer and servers are killed while it runs: it ends as if nothing had been."""

import os
import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress

import psutil
import pytest

from sandbox.demo.settings import MASTER, TARGET
from sandbox.demo.stage import DAG_ID, Stage
from tests.e2e.conftest import Run, conf_of_books, failures, finish, last_call, make_books, reach, told
from tests.fix_sandbox import Database

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.exhaustive, pytest.mark.timeout(1800)]

WORKER = "airflow worker -- "
AFTER_ITS_CALL = ("ensure_parameter_group", "reboot_source", "ensure_source_endpoint", "ensure_task", "start_task")
"""Killed as soon as AWS has done what they asked for, and before Airflow knows."""
AT_SOME_MOMENT = ("preflight", "ensure_dms_role", "install_ddl_audit", "wait_full_load", "wait_streaming")
PLACES = (*AFTER_ITS_CALL, *AT_SOME_MOMENT)
DOWN_SECONDS = 5


class Killer:
    """Kills the worker process of each task in ``PLACES`` once."""

    def __init__(self, running: Stage, run_id: str, seed: int) -> None:
        self.killed: set[str] = set()
        self._running = running
        self._run_id = run_id
        self._random = random.Random(seed)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> "Killer":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._over.wait(0.02):
            for process, worker_of in self._workers():
                task = self._task(worker_of)
                if task in PLACES and task not in self.killed and self._wait_for_its_moment(process, task):
                    process.kill()
                    self.killed.add(task)

    def _workers(self) -> Iterator[tuple[psutil.Process, str]]:
        for process in psutil.Process().children(recursive=True):
            with suppress(psutil.Error):
                title = " ".join(process.cmdline())
                if title.startswith(WORKER) and "LocalExecutor" not in title:
                    yield process, title.removeprefix(WORKER).strip()

    def _task(self, worker_of: str) -> str:
        rows = self._running.airflow.task_instances(DAG_ID, self._run_id)
        return next((row["task_id"] for row in rows if row["id"] == worker_of), "")

    def _wait_for_its_moment(self, process: psutil.Process, task: str) -> bool:
        before = last_call(self._running)
        moment = time.monotonic() + self._random.uniform(0, 0.3)
        while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
            if task in AT_SOME_MOMENT and time.monotonic() > moment:
                return True
            if task in AFTER_ITS_CALL and any(call.mutating for call in self._running.sandbox.log.since(before)):
                return True
            time.sleep(0.005)
        return False


def crash(running: Stage, instance: str) -> None:
    """Kill a server as a lost machine is, and have it back a few seconds later."""
    server = running.sandbox.rds.instances[instance].server
    server.kill()
    time.sleep(DOWN_SECONDS)
    server.start()


def assert_as_if_nothing_had_been(running: Stage, run: Run, source: Database, conf: dict[str, object]) -> None:
    name = str(conf["name"])
    assert run.state == "success", failures(run)
    assert run.report["status"] == "streaming"
    replica = Database(running.sandbox, TARGET, name, MASTER, running.settings.target_password)
    query = "select count(*), md5(string_agg(b::text, ',' order by id)) from shop.books b"
    with source.connect() as here, replica.connect() as there:
        here.execute("insert into shop.books values (1000, 'After all of it')")
        wanted = here.execute(query).fetchone()
        found = eventually(lambda: there.execute(query).fetchone(), wanted)
        slots = here.execute("select count(*), count(*) filter (where active) from pg_replication_slots").fetchone()
    assert found == wanted
    assert slots == (1, 1)

    before = last_call(running)
    again = told(finish(running, running.airflow.trigger(DAG_ID, conf)), before, conf)
    assert again.state == "success", failures(again)
    assert again.mutating == []
    assert_no_password_was_logged(running)


def eventually(read: Callable[[], object], wanted: object, seconds: float = 20) -> object:
    ends = time.monotonic() + seconds
    while (found := read()) != wanted and time.monotonic() < ends:
        time.sleep(0.2)
    return found


def assert_no_password_was_logged(running: Stage) -> None:
    settings = running.settings
    passwords = [settings.source_password, settings.target_password, settings.dms_password]
    texts = {path: path.read_text(errors="replace") for path in settings.home.rglob("*.log")}
    assert texts
    assert [path for path, text in texts.items() for password in passwords if password in text] == []


def test_killed_workers_are_made_good_by_their_retries(running):
    name = "killed"
    source, conf, before = make_books(running, name), conf_of_books(name), last_call(running)
    run_id = running.airflow.trigger(DAG_ID, conf)
    with Killer(running, run_id, seed=os.getpid()) as killer:
        run = told(finish(running, run_id), before, conf)

    assert killer.killed >= set(AFTER_ITS_CALL)
    assert len(killer.killed) >= len(PLACES) - 2  # some are over before their moment
    assert {task for task, states in run.seen.items() if "up_for_retry" in states} == killer.killed
    assert_as_if_nothing_had_been(running, run, source, conf)


def test_a_killed_triggerer_and_servers_that_go_down_hold_it_up_and_no_more(running):
    name = "crashed"
    source, conf, before = make_books(running, name), conf_of_books(name), last_call(running)
    run_id = running.airflow.trigger(DAG_ID, conf)

    reach(running, run_id, "ensure_replication_instance", "deferred")
    running.airflow.kill("triggerer")
    crash(running, f"{name}-1")
    running.airflow.start_component("triggerer")
    reach(running, run_id, "start_task", "success")
    crash(running, TARGET)
    run = told(finish(running, run_id), before, conf)

    assert_as_if_nothing_had_been(running, run, source, conf)
