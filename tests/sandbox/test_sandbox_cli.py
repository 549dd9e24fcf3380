"""``python -m sandbox`` starts, tells, and leaves no process behind."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import boto3
import psutil
import pytest

from sandbox.leftovers import STATE_FILE, Leftovers, remove_leftovers
from sandbox.postgres.binaries import NoPostgres, find_binaries, find_installations
from sandbox.postgres.ports import PortTaken, free_port
from sandbox.postgres.server import Server
from sandbox.postgres.site import prepare_site, server_root
from sandbox.processes import is_alive
from sandbox.sandbox import Sandbox

ROOT = Path(__file__).resolve().parents[2]


def run(directory, command, *arguments):
    return subprocess.run(
        [sys.executable, "-m", "sandbox", command, "--directory", directory, *arguments],
        capture_output=True, text=True, cwd=ROOT, timeout=500,
    )  # fmt: skip


def status(directory):
    return json.loads(run(directory, "status", "--json").stdout)


def make_server(state):
    rds = boto3.client(
        "rds", endpoint_url=state["aws_endpoint_url"], region_name="eu-west-1",
        aws_access_key_id="x", aws_secret_access_key="x",
    )  # fmt: skip
    rds.create_db_instance(
        DBInstanceIdentifier="cli", Engine="postgres", DBInstanceClass="db.t3.small",
        MasterUsername="boss", MasterUserPassword="long-enough-1", DBName="things",
    )  # fmt: skip
    rds.get_waiter("db_instance_available").wait(
        DBInstanceIdentifier="cli", WaiterConfig={"Delay": 0.2, "MaxAttempts": 100}
    )


def servers_below(directory):
    root = str(server_root(directory, needs_traversal=os.geteuid() == 0))
    lines = (" ".join(process.info["cmdline"] or ()) for process in psutil.process_iter(["cmdline"]))
    return [line for line in lines if "postgres -D" in line and root in line]


@pytest.fixture
def directory(tmp_path):
    yield tmp_path
    if (tmp_path / STATE_FILE).exists():
        run(tmp_path, "down")
        remove_leftovers(tmp_path)


def test_up_status_psql_calls_fault_down(directory):
    up = run(directory, "up", "--detach", "--port", "0")
    assert up.returncode == 0, up.stderr
    state = status(directory)
    assert up.stdout.strip() == state["aws_endpoint_url"]
    make_server(state)

    (server,) = status(directory)["servers"]
    assert set(server) >= {"identifier", "role", "dsn", "pid", "port"}
    assert (server["identifier"], server["role"]) == ("cli", "writer")
    assert server["dsn"] == f"postgresql://boss@localhost:{server['port']}/things"
    answered = run(directory, "psql", "cli", "-Atc", "select current_user, current_database()")
    assert answered.stdout.strip() == "boss|things"
    assert "cli" in run(directory, "psql", "nope").stderr

    logged = [json.loads(line) for line in run(directory, "calls", "--mutating").stdout.splitlines()]
    assert [call["action"] for call in logged] == ["CreateDBInstance"]
    assert "throttle" in run(directory, "fault", "on", "throttle").stdout
    assert json.loads(run(directory, "fault", "clear").stdout)["on"] == []
    assert "known" in run(directory, "fault", "on", "earthquake").stderr
    assert "needs slot" in run(directory, "fault", "on", "lost-slot", "--identifier", "cli").stderr
    small = run(directory, "fault", "on", "disk-full", "--identifier", "cli", "--free-bytes", str(64 << 20))
    assert small.returncode == 0, small.stderr

    again = run(directory, "up", "--port", "0")
    assert again.returncode == 1
    assert "is running" in again.stderr

    assert run(directory, "down").returncode == 0
    assert not is_alive(server["pid"])
    assert servers_below(directory) == []
    assert run(directory, "status").returncode == 1


def test_a_fresh_start_takes_over_a_dead_state_and_ctrl_c_leaves_no_process(directory):
    (directory / STATE_FILE).write_text('{"pid": 0}')
    process = subprocess.Popen(
        [sys.executable, "-m", "sandbox", "up", "--directory", directory, "--port", "0", "--fresh"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert "AWS endpoint" in process.stdout.readline()
    make_server(status(directory))
    pid = status(directory)["servers"][0]["pid"]

    process.send_signal(signal.SIGINT)

    assert process.wait(30) == 0
    process.stdout.close()
    assert not is_alive(pid)
    assert servers_below(directory) == []


def test_a_taken_port_is_named(directory):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]

        with pytest.raises(PortTaken, match=f"port {port}"):
            Sandbox(directory, port=port).start()


def test_what_a_killed_sandbox_left_is_buried_and_its_state_refused(directory):
    run(directory, "up", "--detach", "--port", "0")
    state = status(directory)
    make_server(state)
    os.kill(state["pid"], signal.SIGKILL)
    while is_alive(state["pid"]):
        time.sleep(0.05)
    ends = time.monotonic() + 10
    while servers_below(directory):
        assert time.monotonic() < ends, "the undertaker did not come"
        time.sleep(0.1)

    with pytest.raises(Leftovers, match="--fresh") as refusal:
        Sandbox(directory).start()
    assert str(directory) in str(refusal.value)


@pytest.mark.exhaustive
def test_a_held_server_and_its_small_volume_are_buried_too(directory):
    run(directory, "up", "--detach", "--port", "0")
    state = status(directory)
    make_server(state)
    run(directory, "fault", "on", "disk-full", "--identifier", "cli", "--free-bytes", str(64 << 20))
    run(directory, "fault", "on", "cut-connection", "--identifier", "cli", "--seconds", "600")
    os.kill(state["pid"], signal.SIGKILL)

    ends = time.monotonic() + 10
    root = server_root(directory, needs_traversal=os.geteuid() == 0)
    while servers_below(directory) or root.exists():
        assert time.monotonic() < ends, "the undertaker did not come"
        time.sleep(0.1)


def test_servers_of_a_dead_sandbox_are_stopped_with_its_state(tmp_path):
    site = prepare_site(tmp_path)
    server = Server(site, "left", free_port())
    server.create(owner="boss", password="x", database=None, aurora=False, settings={})
    with pytest.raises(Leftovers, match="--fresh"):
        Sandbox(tmp_path).start()

    remove_leftovers(tmp_path)

    assert servers_below(tmp_path) == []
    assert not site.root.exists()
    site.remove()


def fake_installation(place: Path, version: str) -> Path:
    """Make a bin directory whose server says that it is of ``version``."""
    place.mkdir()
    for name in ("postgres", "initdb"):
        (place / name).write_text(f"#!/bin/sh\necho 'postgres (PostgreSQL) {version} (made up)'\n")
        (place / name).chmod(0o755)
    return place


def test_further_installations_are_listed_after_the_default_one_a_major_once(tmp_path, monkeypatch):
    places = [fake_installation(tmp_path / version, version) for version in ("15.1", "13.16", "15.9", "17.12")]
    monkeypatch.setenv("PG_BINDIR", str(places[0]))
    monkeypatch.setenv("PG_BINDIRS", ":".join(map(str, places[1:])))

    assert [one.version for one in find_installations()] == ["15.1", "13.16", "17.12"]
    assert find_binaries().version == "15.1"


@pytest.mark.parametrize("version", ["12.22", "18.0"])
def test_a_listed_installation_that_is_too_old_or_too_new_is_said_clearly(tmp_path, monkeypatch, version):
    monkeypatch.setenv("PG_BINDIR", str(fake_installation(tmp_path / "good", "15.1")))
    monkeypatch.setenv("PG_BINDIRS", str(fake_installation(tmp_path / "bad", version)))

    with pytest.raises(NoPostgres, match=version):
        find_installations()


@pytest.mark.parametrize("places", ["PG_BINDIR", "Debian"])
def test_no_postgresql_is_said_clearly(tmp_path, monkeypatch, places):
    if places == "PG_BINDIR":
        monkeypatch.setenv("PG_BINDIR", str(tmp_path))
    else:
        monkeypatch.delenv("PG_BINDIR", raising=False)
        monkeypatch.setattr("sandbox.postgres.binaries.DEBIAN", tmp_path)

    with pytest.raises(NoPostgres, match="Next:") as refusal:
        find_binaries()

    assert str(tmp_path) in str(refusal.value)
