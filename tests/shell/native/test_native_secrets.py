"""The password of the subscription is in no log, no list of sessions and no list of processes."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from airflow.sdk.exceptions import AirflowFailException

from pg_cdc.operators.native.prepare import EnsureSubscriptionOperator
from tests.shell.native.conftest import PREPARE, Pair

CANARY = "a-Canary-7f3a9c51"
TALKATIVE = {
    "log_statement": "all",
    "log_min_duration_statement": "0",
    "log_min_error_statement": "info",
    "log_min_messages": "info",
    "log_error_verbosity": "verbose",
    "log_connections": "on",
    "log_replication_commands": "on",
    "log_parameter_max_length_on_error": "-1",
    "pg_stat_statements.track": "all",
    "pg_stat_statements.track_utility": "on",
}
SPELLINGS = (CANARY, CANARY.encode().hex())
WHAT_IS_SEEN = "select coalesce(query, '') || coalesce(application_name, '') from pg_stat_activity"


@pytest.fixture
def talkative(pair, sandbox, monkeypatch) -> Iterator[list[Path]]:
    """Both servers log all that they can; their log files."""
    login = {"conn_type": "postgres", "login": pair.migration["dms_role"]["name"], "password": CANARY}
    monkeypatch.setenv("AIRFLOW_CONN_PG_CDC_DMS_ROLE", json.dumps(login))
    for server in (pair.source, pair.target):
        with server.connect() as conn:
            for name, value in TALKATIVE.items():
                conn.execute(f"alter system set {name} = '{value}'")
            conn.execute("select pg_reload_conf()")
    yield [sandbox.rds.instances[name].server.log_file for name in ("native-source", "native-target")]
    for server in (pair.source, pair.target):
        with server.connect() as conn:
            for name in TALKATIVE:
                conn.execute(f"alter system reset {name}")
            conn.execute("select pg_reload_conf()")


@contextmanager
def watched(pair: Pair) -> Iterator[set[str]]:
    """Collect what pg_stat_activity and the process table show meanwhile, as often as can be."""
    seen: set[str] = set()
    over = threading.Event()

    def watch_sessions(server) -> None:
        with server.connect() as conn:
            while not over.is_set():
                seen.update(row[0] for row in conn.execute(WHAT_IS_SEEN))

    def watch_processes() -> None:
        while not over.wait(0.02):
            seen.update(" ".join(process.info["cmdline"] or ()) for process in psutil.process_iter(["cmdline"]))

    watchers = [threading.Thread(target=watch_sessions, args=(server,)) for server in (pair.source, pair.target)]
    watchers.append(threading.Thread(target=watch_processes))
    for watcher in watchers:
        watcher.start()
    try:
        yield seen
    finally:
        over.set()
        for watcher in watchers:
            watcher.join()


def statements(pair: Pair) -> set[str]:
    """Return what pg_stat_statements has seen, inside of blocks too."""
    with pair.on_target() as conn:
        conn.execute("create extension if not exists pg_stat_statements")
        found = {row[0] for row in conn.execute("select query from pg_stat_statements")}
    assert any("pgcdc_native.loaded_table" in query for query in found), "pg_stat_statements has seen nothing"
    return found


def leaks(texts: set[str], files: list[Path]) -> list[str]:
    found = [text for text in texts if any(spelling in text for spelling in SPELLINGS)]
    for file in files:
        lines = file.read_text(errors="replace").splitlines()
        found += [line for line in lines if any(spelling in line for spelling in SPELLINGS)]
    return found


def test_a_migration_shows_its_password_nowhere(pair, talkative, capfd):
    with watched(pair) as seen:
        pair.migrate()

    log = talkative[1].read_text(errors="replace")
    assert "DO $create$" in log and "parameters: " in log, "the target did not log, so nothing was looked at"
    assert any("DO $create$" in text for text in seen), "pg_stat_activity was not seen at the right moment"
    assert leaks(seen | statements(pair) | {"".join(capfd.readouterr())}, talkative) == []


@pytest.mark.parametrize(
    ("trouble", "told"),
    [
        pytest.param("wrong password", "does not reach the source", id="the-source-refuses-the-login"),
        pytest.param("table missing", "refused the subscription", id="the-target-lacks-a-table"),
    ],
)
def test_a_subscription_that_fails_shows_it_neither(pair, talkative, capfd, trouble, told):
    pair.run_all(PREPARE[:-1])
    with pair.on_source() as source, pair.on_target() as target:
        if trouble == "wrong password":
            source.execute(f"alter role {pair.migration['dms_role']['name']} password 'another'")
        else:
            target.execute("drop table shop.empty")

    with watched(pair) as seen, pytest.raises(AirflowFailException, match=told) as caught:
        pair.run(EnsureSubscriptionOperator)

    chain = {repr(caught.value), repr(caught.value.__cause__), repr(caught.value.__context__)}
    assert leaks(seen | chain | {"".join(capfd.readouterr())}, talkative) == []
