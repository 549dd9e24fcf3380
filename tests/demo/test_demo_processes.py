import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress

import psutil
import pytest

from sandbox.demo.processes import (
    PortTaken,
    ProcessDied,
    Processes,
    require_free,
)
from sandbox.demo.settings import ROOT, BadSetting, settings_from
from tests.cases import all_but_exhaustive

PORTS = ("PG_CDC_UI_PORT", "PG_CDC_SANDBOX_PORT")

BROOD = """
import os, subprocess, sys, time
subprocess.Popen(["sleep", "300"], start_new_session=True)
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        time.sleep(300)
    os._exit(0)
print("up", flush=True)
time.sleep(300)
"""
PARENT = """
import sys, time
from pathlib import Path
from sandbox.demo.processes import Processes, adopt_orphans, end_descendants
import signal, os
adopt_orphans()
family = Processes(Path(sys.argv[1]))
family.start("brood", [sys.executable, "-c", sys.argv[2]], env=os.environ, cwd=Path("/"))
print("ready", flush=True)
signal.signal(signal.SIGTERM, lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
try:
    time.sleep(300)
except KeyboardInterrupt:
    family.stop()
    end_descendants()
"""


def test_a_taken_port_is_named_with_the_variable_that_chooses_another():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        with pytest.raises(PortTaken) as caught:
            require_free(port, "PG_CDC_UI_PORT")

    assert f"port {port} is taken" in str(caught.value)
    assert f"PG_CDC_UI_PORT={port + 1}" in str(caught.value)


def test_a_port_taken_on_all_addresses_counts_as_taken():
    with socket.socket() as taken:
        taken.bind(("0.0.0.0", 0))
        taken.listen()

        with pytest.raises(PortTaken):
            require_free(taken.getsockname()[1], "PG_CDC_UI_PORT")


def test_a_free_port_is_free():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]

    require_free(port, "PG_CDC_UI_PORT")


@pytest.mark.parametrize("variable", all_but_exhaustive(PORTS, {PORTS[0]}))
def test_the_demo_stops_at_once_when_a_port_is_taken(variable):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = subprocess.run(
            [sys.executable, "-c", PROBE],
            env={**os.environ, variable: str(port)},
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=500,
        )

    assert done.returncode == 1
    assert f"port {port} is taken" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr


PROBE = """
import sys, tempfile
from dataclasses import replace
from pathlib import Path
from sandbox.demo import __main__ as door
place = Path(tempfile.mkdtemp())
read = door.settings_from
door.settings_from = lambda: replace(read(), home=place / "a", directory=place / "s", reports=place / "r")
sys.argv = ["demo"]
sys.exit(door.main())
"""


@pytest.mark.parametrize(
    ("environment", "found"),
    [
        pytest.param({"PG_CDC_UI_PORT": "eighty"}, "PG_CDC_UI_PORT=eighty", id="no-number"),
        pytest.param({"PG_CDC_SANDBOX_PORT": "0"}, "PG_CDC_SANDBOX_PORT=0", id="zero"),
        pytest.param({"PG_CDC_UI_PORT": "65536"}, "PG_CDC_UI_PORT=65536", id="over-the-last"),
        pytest.param({"PG_CDC_SCALE": "-1"}, "PG_CDC_SCALE=-1", id="negative-scale"),
        pytest.param({"PG_CDC_PACE": "nan"}, "PG_CDC_PACE=nan", id="nan-pace"),
    ],
)
def test_a_bad_setting_is_refused_by_name(environment, found):
    with pytest.raises(BadSetting) as caught:
        settings_from(environment)

    assert f"Found: {found}." in str(caught.value)


@pytest.mark.parametrize(("once", "expected"), [("1", True), ("yes", True), ("", False), ("0", False), ("no", False)])
def test_once_is_read_as_people_write_it(once, expected):
    assert settings_from({"ONCE": once}).once is expected


def test_passwords_are_new_in_each_run_and_in_no_repr():
    first, second = settings_from({}), settings_from({})

    assert first.source_password != second.source_password
    assert first.source_password not in repr(first)


def start_parent(tmp_path):
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(tmp_path), BROOD], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout.readline() == "ready\n"
    ends = time.monotonic() + 20
    while len(family := psutil.Process(parent.pid).children(recursive=True)) < 3 and time.monotonic() < ends:
        time.sleep(0.05)
    return parent, family


def test_a_signal_leaves_no_process_behind_not_even_a_daemon(tmp_path):
    parent, family = start_parent(tmp_path)

    parent.send_signal(signal.SIGTERM)
    parent.wait(30)

    assert len(family) >= 3
    assert [process for process in family if process.is_running() and process.status() != "zombie"] == []


def test_a_killed_demo_takes_its_own_processes_along(tmp_path):
    parent, _ = start_parent(tmp_path)
    child = psutil.Process(parent.pid).children()[0]
    below = child.children(recursive=True)

    parent.kill()
    parent.wait(30)

    try:
        assert psutil.wait_procs([child], timeout=10)[1] == []
    finally:
        for process in below:
            with suppress(psutil.NoSuchProcess):
                process.kill()


def test_a_process_that_ended_is_named_with_the_end_of_its_log(tmp_path):
    family = Processes(tmp_path)
    family.start("scheduler", [sys.executable, "-c", "print('no database'); exit(3)"], env=os.environ, cwd=tmp_path)
    time.sleep(0.1)

    with pytest.raises(ProcessDied, match=r"(?s)scheduler ended with 3.*no database"):
        for _ in range(100):
            family.check()
            time.sleep(0.05)
    family.stop()
